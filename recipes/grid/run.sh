#!/usr/bin/env bash
# GRID, from the corpus to scores. Stages: 0 prepare, 1 landmarks, 2 statistics, 3 gap sets, 4 train, 5 restore, 6 score.
# ./run.sh --grid DIR [--split paper] [--config conf/av.yaml] [--stage 0] [--stop-stage 6] [--gap-ms "200 400 800 1600"] [--jobs 2]
# The split is paper, speaker-dependent or a file; data/ and exp/ are made here.
set -euo pipefail

grid= split=paper config=conf/av.yaml stage=0 stop_stage=6 gap_ms="200 400 800 1600" jobs=2
while [ $# -gt 0 ]; do
  case "$1" in
    --grid | --split | --config | --stage | --stop-stage | --gap-ms | --jobs)
      [ $# -ge 2 ] || { echo "error: $1 needs a value" >&2; exit 1; }
      name=${1#--} && printf -v "${name//-/_}" %s "$2" && shift 2 ;;
    -h | --help) sed -n 's/^# //p' "$0"; exit ;;
    *) echo "error: unknown option $1; ./run.sh --help shows those there are" >&2; exit 1 ;;
  esac
done
for number in "$stage" "$stop_stage" "$jobs" $gap_ms; do
  case "$number" in *[!0-9]* | "") echo "error: '$number': stages, jobs and gap lengths are whole numbers" >&2; exit 1 ;; esac
done
[ ! -e "$grid" ] || grid=$(realpath "$grid")
cd "$(dirname "$0")"
. ./path.sh

model=exp/$(basename "$config" .yaml)
systems="unprocessed interpolation $model"
due() { [ "$stage" -le "$1" ] && [ "$1" -le "$stop_stage" ] && echo "stage $1: $2"; }

if due 0 "prepare"; then
  [ -n "$grid" ] || { echo "error: --grid must name the folder that holds GRID" >&2; exit 1; }
  python -m data_prep.grid --root "$grid" --out data --split "$split" --jobs "$jobs"
fi
if due 1 "landmarks"; then python -m data_prep.landmarks data/train data/valid data/test --drop --jobs "$jobs"; fi
if due 2 "statistics"; then python -m data_prep.stats data/train --config "$config"; fi
if due 3 "gap sets"; then
  python -m data_prep.gaps data/valid --out data/valid/gaps_random
  for ms in $gap_ms; do python -m data_prep.gaps data/test --gap-ms "$ms" --out "data/test/gaps_${ms}ms"; done
fi
if due 4 "train"; then avsi train --config "$config" --out "$model"; fi
if due 5 "restore"; then
  for system in $systems; do for ms in $gap_ms; do
    python -m evaluation.restore data/test --gaps "data/test/gaps_${ms}ms" --system "$system" \
      --out "exp/$(basename "$system")/gaps_${ms}ms" --jobs "$jobs"
  done; done
fi
if due 6 "score"; then
  folders=$(for system in $systems; do for ms in $gap_ms; do echo "exp/$(basename "$system")/gaps_${ms}ms"; done; done)
  python -m evaluation.score $folders --jobs "$jobs"
  python -m evaluation.report exp/*/gaps_*ms
fi
