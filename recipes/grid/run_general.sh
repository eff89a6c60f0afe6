#!/usr/bin/env bash
# Models for unseen speakers, tested by leaving speakers out. Stages: 0 prepare, 1 landmarks, 2 voices, folds, 3 statistics,
# lexicon, gaps, 4 train the base models, 5 fine-tune them for each fold and for all speakers, 6 restore, 7 score, 8 report.
# ./run_general.sh --root CORPUS --fold s04 --fold s26 --fold "others=s02 s03" [--copies 6] [--copies-of-few 30] [--models "a av"]
#          [--beside "exp/a exp/av"] [--split whole-speakers] [--protocol FILE] [--stage 0] [--stop-stage 8] [--jobs 2] [--cluster ADDRESS|FILE]
# ./run_general.sh --smoke: all stages in a few minutes, in smoke_general/, on small models and a corpus that is made there.
# CORPUS holds at least one speaker as a whole and others in part. The speakers of a fold are left out together; those in no
# fold, the whole speakers among them, train the base models. Other sentences of the whole speakers are the validation set.
# data/general, exp/general and exp/evaluation/general_* are made here. The models of --beside, by default none, such as those of run.sh,
# are tested on the whole speakers' unseen sentences too; they are sought from where you are, then from recipes/grid.
# Stage 2 needs the extra voices: pip install -c constraints.txt -e '.[voices]'.
set -euo pipefail
. "$(dirname "$0")/../stages.sh"

root_of_corpus= split=whole-speakers copies=6 copies_of_few=30 models="a av" beside= protocol= stage=0 stop_stage=8 last_stage=8 jobs=2 cluster= smoke= folds=()
case " $* " in *" --smoke "*)
  smoke=yes root_of_corpus=corpus copies=1 copies_of_few=1 folds=(--fold mini0-s02 --fold mini0-s03) ;;
esac
while [ $# -gt 0 ]; do
  case "$1" in
    --root | --fold | --copies | --copies-of-few | --models | --beside | --split | --protocol | --stage | --stop-stage | --jobs | --cluster)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in
        --root) root_of_corpus=$2 ;;
        --fold) folds+=(--fold "$2") ;;
        *) name=${1#--} && printf -v "${name//-/_}" %s "$2" ;;
      esac
      shift 2 ;;
    --smoke) shift ;;
    -h | --help) sed -n '2,/^set/s/^# //p' "$0"; exit ;;
    *) fail "unknown option $1; ./run_general.sh --help shows those there are" ;;
  esac
done
check_numbers "$copies" "$copies_of_few"
set_workers
if is_due 0 && [ -z "$root_of_corpus" ]; then fail "--root must name the folder that holds the corpus"; fi
if is_due 2 && [ ${#folds[@]} -eq 0 ]; then fail "name the speakers to leave out in turn, such as --fold s04 --fold 's02 s03'"; fi
[ -n "$smoke" ] || [ -z "$root_of_corpus" ] || [ -e "$root_of_corpus" ] || fail "$root_of_corpus: no such folder"
[ -n "$smoke" ] || [ -z "$root_of_corpus" ] || root_of_corpus=$(realpath "$root_of_corpus")
[ ! -e "$split" ] || split=$(realpath "$split")
[ -z "$protocol" ] || protocol=$(realpath "$protocol")
from=$PWD
cd "$(dirname "$0")"
. ./path.sh
conf=$PWD/conf over=() besides=()
for model in $models; do
  for config in "general_$model" "general_tune_$model"; do
    [ -e "$conf/$config.yaml" ] || fail "--models $model: no config conf/$config.yaml"
  done
done
for model in $beside; do
  case "$model" in
    /*) ;;
    *) if [ ! "$from" -ef . ] && [ -e "$from/$model/config.json" ]; then model=$from/$model; elif [ -n "$smoke" ]; then model=$PWD/$model; fi ;;
  esac
  if is_due 6 && [ ! -e "$model/config.json" ]; then fail "$model: no model yet; run.sh trains it, or name those there are by --beside"; fi
  besides+=(--system "$model")
done
protocol=${protocol:-$root/evaluation/protocols/unseen.yaml}
if [ -n "$smoke" ]; then
  over=(--config "$conf/general_smoke.yaml") split=$conf/general_smoke.split
  [ "$stage" -gt 0 ] || rm -rf smoke_general
  mkdir -p smoke_general && cd smoke_general
  export OMP_NUM_THREADS=1
fi
data=data/general exp=exp/general stats=data/general/folds/always/train/stats.npz
sets=(--set data.valid="$data/valid" --set data.valid_gaps="$data/valid/gaps_random" --set data.lexicon="$data/lexicon.txt" --set data.stats="$stats")

if due 0 "prepare"; then
  [ -z "$smoke" ] || python -m data_prep.mini_grid --out corpus --speakers 5 --sentences 3 "${workers[@]}"
  python -m data_prep.grid --root "$root_of_corpus" --out "$data" --split "$split" "${workers[@]}"
fi
if due 1 "landmarks"; then python -m data_prep.landmarks "$data/train" "$data/valid" "$data/test" --drop "${workers[@]}"; fi
if due 2 "voices, folds"; then
  python -m data_prep.voices "$data/train" "$data/voices" --copies "$copies" --copies-of-few "$copies_of_few" --config "$conf/general.yaml" "${workers[@]}"
  python -m data_prep.leave_out "$data/voices" "$data/folds" "${folds[@]}" --valid "$data/valid" --development "$conf/development.txt"
  python -m data_prep.combine "$data/unseen" "$data"/folds/*/test
fi
if due 3 "statistics, lexicon, gaps"; then
  python -m data_prep.stats "$data/folds/always/train" --config "$conf/general_av.yaml" "${over[@]}" "${workers[@]}"
  cp "$conf/lexicon.txt" "$data/lexicon.txt"
  python -m data_prep.gaps "$data/valid" random --config "$conf/general.yaml"
  for set in unseen test; do python -m data_prep.gaps "$data/$set" --protocol "$protocol"; done
fi
if due 4 "train the base models"; then
  for model in $models; do
    avsi train --config "$conf/general_$model.yaml" "${over[@]}" "${sets[@]}" \
      --set data.train="$data/folds/always/train" --out "$exp/base_$model"
  done
fi
if due 5 "fine-tune them for each fold and for all speakers"; then
  for model in $models; do
    tune=(--config "$conf/general_tune_$model.yaml" "${over[@]}" "${sets[@]}" --set training.init="$exp/base_$model")
    for set in "$data"/folds/*/test; do
      fold=$(basename "$(dirname "$set")")
      avsi train "${tune[@]}" --set data.train="$data/folds/$fold/train" --out "$exp/folds/$fold/$model"
    done
    avsi train "${tune[@]}" --set data.train="$data/voices" --out "$exp/all/$model"
  done
fi
if due 6 "restore"; then
  families=() general=()
  for model in $models; do
    families+=(--system "general_$model=$exp/folds/*/$model") general+=(--system "general_$model=$exp/all/$model")
  done
  restore=(--protocol "$protocol" --stats "$stats" "${workers[@]}" --system unprocessed --system mean --system interpolation)
  python -m evaluation.restore "$data/unseen" "${restore[@]}" "${families[@]}" --out exp/evaluation/general_unseen
  python -m evaluation.restore "$data/test" "${restore[@]}" "${general[@]}" "${besides[@]}" --out exp/evaluation/general_seen
fi
evaluations="exp/evaluation/general_unseen exp/evaluation/general_seen"
if due 7 "score"; then for evaluation in $evaluations; do score "$evaluation"; count_phone_errors "$evaluation"; done; fi
if due 8 "report"; then
  for evaluation in $evaluations; do python -m evaluation.report "$evaluation" "${workers[@]}"; done
fi
