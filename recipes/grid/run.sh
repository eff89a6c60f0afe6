#!/usr/bin/env bash
# GRID, from the corpus to a report. Stages: 0 prepare, 1 landmarks, 2 statistics, lexicon, 3 gaps, 4 train the models, 5 train the phone
# recogniser, 6 restore, 7 score, 8 report.
# ./run.sh --grid DIR [--split paper] [--configs "conf/a.yaml conf/av.yaml"] [--over FILE] [--protocol FILE | --gap-ms "150 300 450"]
#          [--work DIR] [--stage 0] [--stop-stage 8] [--jobs 2] [--cluster ADDRESS|FILE]
# ./run.sh --smoke: all stages in a few minutes, in smoke/, on small models and a corpus that is made there.
# The split is paper, speaker-dependent, speaker-independent, whole-speakers or a file. Each config is a model, and --over one config over
# each of them; configs are sought from where you are, then from here. Those whose names end in _text (conf/a_text.yaml, conf/av_text.yaml)
# are models that are told what is said: they restore with the words hidden, with the words, and with their times too. The gaps are those
# of a protocol (../../evaluation/protocols/paper.yaml), or one of each of the lengths given. data/ and exp/ are made in --work, by default
# here.
set -euo pipefail
. "$(dirname "$0")/../stages.sh"

grid= split=paper configs= over= protocol= gap_ms= work= stage=0 stop_stage=8 last_stage=8 jobs=2 cluster= smoke=
case " $* " in *" --smoke "*) smoke=yes split=speaker-independent ;; esac
while [ $# -gt 0 ]; do
  case "$1" in
    --grid | --split | --configs | --over | --protocol | --gap-ms | --work | --stage | --stop-stage | --jobs | --cluster)
      [ $# -ge 2 ] || fail "$1 needs a value"
      name=${1#--} && printf -v "${name//-/_}" %s "$2" && shift 2 ;;
    --smoke) shift ;;
    -h | --help) sed -n '2,/^set/s/^# //p' "$0"; exit ;;
    *) fail "unknown option $1; ./run.sh --help shows those there are" ;;
  esac
done
check_numbers
set_workers
for ms in $gap_ms; do
  case "$ms" in *[!0-9.]* | 0* | .*) fail "'$ms': expected a gap's length in ms, such as 150 or 62.5" ;; esac
done
conf=$(cd "$(dirname "$0")" && pwd)
if is_due 0 && { [ -z "$smoke" ] || [ -n "$grid" ]; }; then
  [ -n "$grid" ] || fail "--grid must name the folder that holds GRID"
  [ -d "$grid" ] || fail "--grid $grid: no such folder"
  grid=$(realpath "$grid")
fi
case "$split" in
  paper | speaker-dependent | speaker-independent | whole-speakers) ;;
  *)
    [ -f "$split" ] || fail "--split $split: neither paper, speaker-dependent, speaker-independent, whole-speakers nor a file"
    split=$(realpath "$split") ;;
esac
if [ -n "$protocol" ] && [ -n "$gap_ms" ]; then fail "--protocol and --gap-ms both say which gaps; give one"; fi
if [ -n "$protocol" ]; then
  [ -f "$protocol" ] || fail "--protocol $protocol: no such file"
  protocol=$(realpath "$protocol")
fi
given=($configs) configs=() models=()
if [ ${#given[@]} -eq 0 ]; then
  if [ -n "$smoke" ]; then given=("$conf"/conf/{a,av}.yaml); else given=("$conf"/conf/{a,v,av,a_mtl,av_mtl}.yaml); fi
fi
if [ -n "$smoke" ] && [ ${#given[@]} -lt 2 ]; then fail "--smoke compares two models; name two configs"; fi
for config in "${given[@]}"; do
  configs+=("$(sought "$config")") models+=("exp/$(basename "$config" .yaml)")
  if is_due 2 || is_due 4; then [ -f "${configs[-1]}" ] || fail "--configs $config: no such file, from where you are or in $conf"; fi
done
if [ -n "$over" ] || [ -n "$smoke" ]; then
  config=$(sought "${over:-$conf/conf/smoke.yaml}")
  [ -f "$config" ] || fail "--over $over: no such file, from where you are or in $conf"
  over=(--config "$config")
else
  over=()
fi
if [ -n "$smoke" ]; then
  [ -z "$work" ] || fail "--smoke makes its folder, smoke/, anew; leave out --work"
  [ -n "$protocol$gap_ms" ] || gap_ms=400
  work=$conf/smoke
  [ "$stage" -gt 0 ] || rm -rf "$work"
  export OMP_NUM_THREADS=1 # models this small are no faster on more, and much slower where others use the machine too
fi
. "$conf/path.sh"
work=${work:-$conf}
mkdir -p "$work" 2>/dev/null && cd "$work" || fail "--work $work: cannot be made"
protocol=${protocol:-$conf/../../evaluation/protocols/paper.yaml}
gaps=(--protocol "$protocol") conditions=(--protocol "$protocol") evaluation=exp/evaluation/$(basename "$protocol" .yaml)
if [ -n "$gap_ms" ]; then
  gaps=() conditions=($gap_ms) evaluation=exp/evaluation/$(echo $gap_ms | tr ' ' _)ms
  for ms in $gap_ms; do gaps+=(--gaps "$ms"); done
fi

if due 0 "prepare"; then
  if [ -z "$grid" ]; then
    grid=corpus
    python -m data_prep.mini_grid --out "$grid" "${workers[@]}"
  fi
  python -m data_prep.grid --root "$grid" --out data --split "$split" "${workers[@]}"
fi
if due 1 "landmarks"; then python -m data_prep.landmarks data/train data/valid data/test --drop "${workers[@]}"; fi
if due 2 "statistics, lexicon"; then
  python -m data_prep.stats data/train --config "${configs[-1]}" "${over[@]}" "${workers[@]}"
  cp "$conf/conf/lexicon.txt" data/lexicon.txt
  case "${models[*]}" in
    *_text*) python -m data_prep.align data/train data/valid data/test --lexicon data/lexicon.txt "${workers[@]}" ;;
  esac
fi
if due 3 "gaps"; then
  python -m data_prep.gaps data/valid random
  python -m data_prep.gaps data/test "${conditions[@]}"
fi
if due 4 "train the models"; then
  for config in "${configs[@]}"; do
    avsi train --config "$config" "${over[@]}" --out "exp/$(basename "$config" .yaml)"
  done
fi
if due 5 "train the phone recogniser"; then
  avsi train --config "$conf/conf/recognizer.yaml" "${over[@]}" --out exp/recognizer
fi
if due 6 "restore"; then
  systems=()
  for model in "${models[@]}"; do
    [ -e "$model/config.json" ] || fail "$model: no model yet; train it (stage 4), or name those there are by --configs"
  done
  for system in unprocessed mean interpolation autoregression "${models[@]}" oracle; do systems+=(--system "$system"); done
  for model in "${models[@]}"; do
    case "$model" in *_text) for told in words times; do systems+=(--system "$(basename "$model")_$told=$model:$told"); done ;; esac
  done
  python -m evaluation.restore data/test "${gaps[@]}" "${systems[@]}" --out "$evaluation" "${workers[@]}"
fi
if due 7 "score"; then
  score "$evaluation"
  count_phone_errors "$evaluation"
  python -m evaluation.keywords "$evaluation" --grammar "$conf/conf/grid.gram" --if-installed "${workers[@]}"
fi
if due 8 "report"; then
  python -m evaluation.report "$evaluation" "${workers[@]}"
  # The small run shows that video helps.
  [ -z "$smoke" ] || python -m evaluation.compare "$evaluation" "$(basename "${models[0]}")" "$(basename "${models[-1]}")" --require l1
fi
