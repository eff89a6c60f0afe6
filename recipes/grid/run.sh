#!/usr/bin/env bash
# GRID, from the corpus to a report. Stages: 0 prepare, 1 landmarks, 2 statistics, lexicon, 3 gaps, 4 train the models, 5 train the phone
# recogniser, 6 restore, 7 score, 8 report.
# ./run.sh --grid DIR [--split paper] [--configs "conf/a.yaml conf/av.yaml"] [--protocol FILE | --gap-ms "150 300 450"]
#          [--stage 0] [--stop-stage 8] [--jobs 2]
# ./run.sh --smoke: all stages in a few minutes, in smoke/, on small models and a corpus that is made there.
# The split is paper, speaker-dependent, speaker-independent or a file; data/ and exp/ are made here. Each config is a model. The gaps
# are those of a protocol (../../evaluation/protocols/paper.yaml), or one of each of the lengths given.
set -euo pipefail

grid= split=paper stage=0 stop_stage=8 protocol= gap_ms= jobs=2 smoke=
configs="conf/a.yaml conf/v.yaml conf/av.yaml conf/a_mtl.yaml conf/av_mtl.yaml"
case " $* " in *" --smoke "*)
  smoke=yes grid=corpus split=speaker-independent configs="conf/a.yaml conf/av.yaml" ;;
esac
while [ $# -gt 0 ]; do
  case "$1" in
    --grid | --split | --configs | --stage | --stop-stage | --protocol | --gap-ms | --jobs)
      [ $# -ge 2 ] || { echo "error: $1 needs a value" >&2; exit 1; }
      name=${1#--} && printf -v "${name//-/_}" %s "$2" && shift 2 ;;
    --smoke) shift ;;
    -h | --help) sed -n '2,/^set/s/^# //p' "$0"; exit ;;
    *) echo "error: unknown option $1; ./run.sh --help shows those there are" >&2; exit 1 ;;
  esac
done
for number in "$stage" "$stop_stage" "$jobs"; do
  case "$number" in *[!0-9]* | "") echo "error: '$number': stages and jobs are whole numbers" >&2; exit 1 ;; esac
done
if [ "$stage" -gt "$stop_stage" ] || [ "$stage" -gt 8 ]; then echo "error: there is no stage from $stage to $stop_stage" >&2; exit 1; fi
for ms in $gap_ms; do
  case "$ms" in *[!0-9.]* | 0* | .*) echo "error: '$ms': expected a gap's length in ms, such as 150 or 62.5" >&2; exit 1 ;; esac
done
if [ -n "$protocol" ] && [ -n "$gap_ms" ]; then echo "error: --protocol and --gap-ms both say which gaps; give one" >&2; exit 1; fi
[ -z "$smoke" ] || [ -n "$protocol$gap_ms" ] || gap_ms=400
[ -n "$smoke" ] || [ ! -e "$grid" ] || grid=$(realpath "$grid")
[ -z "$protocol" ] || protocol=$(realpath "$protocol")
cd "$(dirname "$0")"
. ./path.sh
conf=$PWD over=() models=()
if [ -n "$smoke" ]; then
  over=(--config "$conf/conf/smoke.yaml")
  [ "$stage" -gt 0 ] || rm -rf smoke
  mkdir -p smoke && cd smoke
  export OMP_NUM_THREADS=1 # models this small are no faster on more, and much slower where others use the machine too
fi
configs=($configs)
if [ -n "$smoke" ] && [ ${#configs[@]} -lt 2 ]; then echo "error: --smoke compares two models; name two configs" >&2; exit 1; fi
for config in "${configs[@]}"; do models+=("exp/$(basename "$config" .yaml)"); done
protocol=${protocol:-$conf/../../evaluation/protocols/paper.yaml}
gaps=(--protocol "$protocol") conditions=(--protocol "$protocol") evaluation=exp/evaluation/$(basename "$protocol" .yaml)
if [ -n "$gap_ms" ]; then
  gaps=() conditions=($gap_ms) evaluation=exp/evaluation/$(echo $gap_ms | tr ' ' _)ms
  for ms in $gap_ms; do gaps+=(--gaps "$ms"); done
fi
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
if due 3 "gaps"; then
  python -m data_prep.gaps data/valid random
  python -m data_prep.gaps data/test "${conditions[@]}"
fi
if due 4 "train the models"; then
  for config in "${configs[@]}"; do
    avsi train --config "$(at "$config")" "${over[@]}" --out "exp/$(basename "$config" .yaml)"
  done
fi
if due 5 "train the phone recogniser"; then
  avsi train --config "$conf/conf/recognizer.yaml" "${over[@]}" --out exp/recognizer
fi
if due 6 "restore"; then
  systems=()
  for model in "${models[@]}"; do
    [ -e "$model/config.json" ] || { echo "error: $model: no model yet; train it (stage 4), or name those there are by --configs" >&2; exit 1; }
  done
  for system in unprocessed mean interpolation autoregression "${models[@]}" oracle; do systems+=(--system "$system"); done
  python -m evaluation.restore data/test "${gaps[@]}" "${systems[@]}" --out "$evaluation" --jobs "$jobs"
fi
if due 7 "score"; then
  metrics=default
  if python -c "from avsi.metrics.mos import check_installed; check_installed()" 2>/dev/null; then
    metrics=default,plcmos
  else
    echo "note: no PLCMOS without the extra mos: pip install 'avsi[mos]'"
  fi
  python -m evaluation.score "$evaluation" --metrics "$metrics" --jobs "$jobs"
  if [ -e exp/recognizer/config.json ]; then
    python -m evaluation.recognize "$evaluation" --recognizer exp/recognizer --jobs "$jobs"
  else
    echo "note: no phone errors, since there is no exp/recognizer (stage 5)"
  fi
  if python -c "import pocketsphinx" 2>/dev/null; then
    python -m evaluation.keywords "$evaluation" --grammar "$conf/conf/grid.gram" --jobs "$jobs"
  else
    echo "note: no keyword accuracy without pocketsphinx: pip install -c constraints.txt -e '.[keywords]'"
  fi
fi
if due 8 "report"; then
  python -m evaluation.report "$evaluation" --jobs "$jobs"
  # That seeing helps is what the small run is there to show.
  [ -z "$smoke" ] || python -m evaluation.compare "$evaluation" "$(basename "${models[0]}")" "$(basename "${models[-1]}")" --require l1
fi
