#!/usr/bin/env bash
# GRID, from the corpus to scores. Stages: 0 prepare, 1 landmarks, 2 statistics, 3 gap sets, 4 train, 5 restore, 6 score, 7 compare,
# 8 phone errors.
# ./run.sh --grid DIR [--split paper] [--configs "conf/a.yaml conf/av.yaml"] [--gap-ms "200 400 800 1600"]
#          [--stage 0] [--stop-stage 8] [--jobs 2]
# ./run.sh --smoke: all stages in a few minutes, in smoke/, on small models and a corpus that is made there.
# The split is paper, speaker-dependent, speaker-independent or a file; data/ and exp/ are made here. Each config is a model; stage 7
# says how far the last is ahead of the first.
set -euo pipefail

grid= split=paper configs="conf/a.yaml conf/av.yaml" stage=0 stop_stage=8 gap_ms="200 400 800 1600" jobs=2 smoke=
case " $* " in *" --smoke "*) smoke=yes grid=corpus split=speaker-independent gap_ms=400 ;; esac
while [ $# -gt 0 ]; do
  case "$1" in
    --grid | --split | --configs | --stage | --stop-stage | --gap-ms | --jobs)
      [ $# -ge 2 ] || { echo "error: $1 needs a value" >&2; exit 1; }
      name=${1#--} && printf -v "${name//-/_}" %s "$2" && shift 2 ;;
    --smoke) shift ;;
    -h | --help) sed -n '2,/^set/s/^# //p' "$0"; exit ;;
    *) echo "error: unknown option $1; ./run.sh --help shows those there are" >&2; exit 1 ;;
  esac
done
for number in "$stage" "$stop_stage" "$jobs" $gap_ms; do
  case "$number" in *[!0-9]* | "") echo "error: '$number': stages, jobs and gap lengths are whole numbers" >&2; exit 1 ;; esac
done
[ -n "$smoke" ] || [ ! -e "$grid" ] || grid=$(realpath "$grid")
cd "$(dirname "$0")"
. ./path.sh
conf=$PWD over=() require=() models=()
if [ -n "$smoke" ]; then
  over=(--config "$conf/conf/smoke.yaml") require=(--require l1)
  [ "$stage" -gt 0 ] || rm -rf smoke
  mkdir -p smoke && cd smoke
  export OMP_NUM_THREADS=1 # models this small are no faster on more, and much slower where others use the machine too
fi
configs=($configs)
if [ -n "$smoke" ] && [ ${#configs[@]} -lt 2 ]; then echo "error: --smoke compares two models; name two configs" >&2; exit 1; fi
for config in "${configs[@]}"; do models+=("exp/$(basename "$config" .yaml)"); done
systems=(unprocessed interpolation autoregression "${models[@]}" oracle)
due() { [ "$stage" -le "$1" ] && [ "$1" -le "$stop_stage" ] && echo "stage $1: $2"; }
at() { case "$1" in /*) echo "$1" ;; *) echo "$conf/$1" ;; esac; }

if due 0 "prepare"; then
  [ -n "$grid" ] || { echo "error: --grid must name the folder that holds GRID" >&2; exit 1; }
  [ -z "$smoke" ] || python -m data_prep.mini_grid --out corpus --jobs "$jobs"
  python -m data_prep.grid --root "$grid" --out data --split "$split" --jobs "$jobs"
fi
if due 1 "landmarks"; then python -m data_prep.landmarks data/train data/valid data/test --drop --jobs "$jobs"; fi
if due 2 "statistics, lexicon"; then
  python -m data_prep.stats data/train --config "$(at "${configs[-1]}")" "${over[@]}"
  cp "$conf/conf/lexicon.txt" data/lexicon.txt
fi
if due 3 "gap sets"; then
  python -m data_prep.gaps data/valid --out data/valid/gaps_random
  for ms in $gap_ms; do python -m data_prep.gaps data/test --gap-ms "$ms" --out "data/test/gaps_${ms}ms"; done
fi
if due 4 "train"; then
  for config in "${configs[@]}"; do
    avsi train --config "$(at "$config")" "${over[@]}" --out "exp/$(basename "$config" .yaml)"
  done
fi
if due 5 "restore"; then
  for system in "${systems[@]}"; do for ms in $gap_ms; do
    python -m evaluation.restore data/test --gaps "data/test/gaps_${ms}ms" --system "$system" \
      --out "exp/$(basename "$system")/gaps_${ms}ms" --jobs "$jobs"
  done; done
fi
folders=()
for system in "${systems[@]}"; do for ms in $gap_ms; do folders+=("exp/$(basename "$system")/gaps_${ms}ms"); done; done
if due 6 "score"; then
  python -m evaluation.score "${folders[@]}" --jobs "$jobs"
  python -m evaluation.report exp/*/gaps_*ms
fi
if [ ${#models[@]} -gt 1 ] && due 7 "compare"; then
  for ms in $gap_ms; do
    python -m evaluation.compare "${models[0]}/gaps_${ms}ms" "${models[-1]}/gaps_${ms}ms" "${require[@]}"
  done
fi
if due 8 "phone errors"; then
  avsi train --config "$conf/conf/recognizer.yaml" "${over[@]}" --out exp/recognizer
  python -m evaluation.recognize data/test "${folders[@]}" --recognizer exp/recognizer --jobs "$jobs"
fi
