#!/usr/bin/env bash
# Free speech: one model that restores it with a face and without. Stages: 0 prepare the corpora, 1 landmarks of what was filmed,
# 2 lips made for what was not, 3 put together, statistics, gaps, 4 train, 5 restore, 6 score, 7 report.
# ./run.sh --corpus NAME=DIR ... [--test NAME=DIR ...] [--options "NAME=--speaker-from name" ...] [--filmed DATADIR]
#          [--config conf/speech.yaml] [--over FILE] [--beside "av"] [--protocol FILE] [--work DIR] [--max-left-out 0.05] [--stage 0] [--stop-stage 7]
#          [--jobs 2] [--cluster ADDRESS|FILE]
# ./run.sh --smoke: all stages in a few minutes, in smoke/, on a small model and corpora that are made there.
# A corpus is a folder of sound or of videos, as data_prep.recordings takes it, or AN4. Of those of --corpus an eighth of the speakers is for
# validation and an eighth for the test; those of --test, all speakers, are for the test alone. --options gives data_prep.recordings further
# options for one corpus. --max-left-out is the share that each program may leave out, of recordings, faces, lips, restored sounds and scores,
# before it fails; --options goes before it. --filmed names a data directory of faces to train on too, such as GRID's data/general/voices. Lips are learned from
# all faces of the training set. Each test set is restored by itself: exp/evaluation/NAME. Files and the models of --beside are sought from
# where you are, then from here. data/ and exp/ are made in --work, by default here.
set -euo pipefail
. "$(dirname "$0")/../stages.sh"
check_validation() { # of those given, the folders of validation sets
  [ $# -gt 0 ] || fail "no corpus has a validation set, data/corpora/NAME/valid: leave --split away for one of --corpus, which divides its speakers"
}
count_lines() { cat "$@" 2>/dev/null | wc -l || :; } # of those files that there are

corpora=() options=() option_names=() option_words=() filmed= config=conf/speech.yaml over= beside=av protocol=conf/protocol.yaml work= max_left_out=
stage=0 stop_stage=7 last_stage=7 jobs=2 cluster= smoke= fitting=()
case " $* " in *" --smoke "*) smoke=yes ;; esac
while [ $# -gt 0 ]; do
  case "$1" in
    --corpus | --test | --options | --filmed | --config | --over | --beside | --protocol | --work | --max-left-out | --stage | --stop-stage | --jobs | --cluster)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in
        --corpus | --test) corpora+=("$1 $2") ;;
        --options) options+=("$2") ;;
        *) name=${1#--} && printf -v "${name//-/_}" %s "$2" ;;
      esac
      shift 2 ;;
    --smoke) shift ;;
    -h | --help) sed -n '2,/^set/s/^# //p' "$0"; exit ;;
    *) fail "unknown option $1; ./run.sh --help shows those there are" ;;
  esac
done
check_numbers
set_workers
shares=()
if [ -n "$max_left_out" ]; then
  [[ "$max_left_out" =~ ^(0|1|0?\.[0-9]+|1\.0+)$ ]] || fail "--max-left-out $max_left_out: expected a share from 0 to 1, such as 0.05"
  shares=(--max-left-out "$max_left_out")
fi
conf=$(cd "$(dirname "$0")" && pwd)
if [ -n "$smoke" ]; then
  [ -z "$work" ] || fail "--smoke makes its folder, smoke/, anew; leave out --work"
  [ ${#corpora[@]} -eq 0 ] || fail "--smoke makes its corpora; leave out --corpus and --test"
  over=${over:-conf/smoke.yaml} work=$conf/smoke fitting=(--networks 1 --steps 100)
  export OMP_NUM_THREADS=1 # models this small are no faster on more, and much slower where others use the machine too
fi
names=() folders=() kinds=()
for given in "${corpora[@]}"; do
  kind=${given%% *} given=${given#* } name=${given%%=*}
  case "$given" in *=?*) ;; *) fail "$kind $given: expected NAME=DIR" ;; esac
  case "$name" in *[!A-Za-z0-9-]* | "") fail "$kind $given: expected a name of letters, digits and -" ;; esac
  case " ${names[*]} " in *" $name "*) fail "$kind $given: there is a corpus of that name already" ;; esac
  [ -d "${given#*=}" ] || fail "$kind $given: no such folder"
  names+=("$name") folders+=("$(realpath "${given#*=}")") kinds+=("$kind")
done
for given in "${options[@]}"; do
  case " ${names[*]} " in *" ${given%%=*} "*) ;; *) fail "--options $given: expected NAME=OPTIONS of a --corpus or --test" ;; esac
  set -f # words, as they are: no patterns of files
  for word in ${given#*=}; do
    option=
    case "$word" in --*=*) option=${word%%=*}= word=${word#*=} ;; esac
    if [ -f "$word" ]; then word=$(realpath "$word"); fi # a table, from where the user is
    option_names+=("${given%%=*}") option_words+=("$option$word")
  done
  set +f
done
if is_due 0 && [ -z "$smoke" ] && [ ${#names[@]} -eq 0 ]; then fail "name the corpora to prepare, such as --corpus an4=DIR"; fi
if [ -n "$filmed" ]; then
  [ -d "$filmed" ] || fail "--filmed $filmed: no such folder"
  filmed=$(realpath "$filmed")
fi
configs=()
for given in "$config" ${over:+"$over"}; do
  configs+=(--config "$(sought "$given")")
  [ -f "${configs[-1]}" ] || fail "--config, --over: $given: no such file, from where you are or in $conf"
done
protocol=$(sought "$protocol")
[ -f "$protocol" ] || fail "--protocol $protocol: no such file"
besides=()
for model in $beside; do
  [ ! -e "$model/config.json" ] || model=$(realpath "$model")
  besides+=(--system "$model")
done
work=${work:-$conf}
shopt -s nullglob
if is_due 0 && is_due 3 && [ -z "$smoke" ]; then # what is certain before any corpus is prepared
  validating=("$work"/data/corpora/*/valid)
  for index in "${!names[@]}"; do
    if [ "${kinds[index]}" = --corpus ]; then
      split=
      for number in "${!option_names[@]}"; do
        if [ "${option_names[number]}" = "${names[index]}" ]; then split+=" ${option_words[number]}"; fi
      done
      case "${split//=/ } " in *" --split train "* | *" --split test "*) ;; *) validating+=("${names[index]}") ;; esac
    fi
  done
  check_validation "${validating[@]}"
fi
. "$conf/../grid/path.sh"
[ -z "$smoke" ] || [ "$stage" -gt 0 ] || rm -rf "$work"
mkdir -p "$work" 2>/dev/null && cd "$work" || fail "--work $work: cannot be made"
model=exp/$(basename "$config" .yaml)

if due 0 "prepare the corpora"; then
  if [ -n "$smoke" ]; then
    python -m data_prep.mini_speech --out corpora/filmed --speakers 4 --sentences 5 "${workers[@]}"
    python -m data_prep.mini_speech --out corpora/heard --speakers 8 --sentences 8 --seed 1 --sound-alone "${workers[@]}"
    names=(filmed heard) folders=(corpora/filmed corpora/heard) kinds=(--corpus --corpus)
  fi
  for index in "${!names[@]}"; do
    name=${names[index]} folder=${folders[index]} further=()
    if [ -e "$folder/etc/an4_train.transcription" ]; then
      [ -e "data/recordings/$name" ] || python -m data_prep.an4 --root "$folder" --out "data/recordings/$name"
      folder=data/recordings/$name
    fi
    [ "${kinds[index]}" = --corpus ] || further+=(--split test)
    for number in "${!option_names[@]}"; do
      if [ "${option_names[number]}" = "$name" ]; then further+=("${option_words[number]}"); fi
    done
    python -m data_prep.recordings --root "$folder" --out "data/corpora/$name" --corpus "$name" --id-prefix "$name-" "${workers[@]}" "${shares[@]}" "${further[@]}"
  done
  for name in "${names[@]}"; do
    of=data/corpora/$name found=$(count_lines "$of"/{train,valid,test}/wav.scp) films=$(count_lines "$of"/{train,valid,test}/video.scp)
    [ "$films" -eq 0 ] || [ "$films" -eq "$found" ] ||
      fail "corpus $name: $films of $found utterances were filmed; give films and sound alone as two corpora"
  done
fi
filmed_sets() { for set in data/corpora/*/$1/video.scp; do dirname "$set"; done; }
faces=(${filmed:+"$filmed"} $(filmed_sets train))
if is_due 2; then # told before the long work
  [ ${#faces[@]} -gt 0 ] || fail "no face to learn lips from: name a data directory by --filmed, or a corpus of videos by --corpus"
fi
if is_due 3; then
  training=("${faces[@]}" data/corpora/*/train_lips)
  [ ${#training[@]} -gt 0 ] || fail "no training set: name a data directory by --filmed, or begin at --stage 0 with a --corpus"
  check_validation data/corpora/*/valid
fi
if due 1 "landmarks of what was filmed"; then
  for set in $(filmed_sets '*'); do python -m data_prep.landmarks "$set" --drop "${workers[@]}" "${shares[@]}"; done
fi
if due 2 "lips made for what was not"; then
  python -m data_prep.lips fit "${faces[@]}" --out data/lips.npz "${workers[@]}" "${shares[@]}" "${fitting[@]}"
  for set in data/corpora/*/train; do
    [ -e "$set/video.scp" ] || python -m data_prep.lips apply data/lips.npz "$set" "${set}_lips" "${workers[@]}" "${shares[@]}"
  done
fi
if due 3 "put together, statistics, gaps"; then
  python -m data_prep.combine data/train "${faces[@]}" data/corpora/*/train_lips
  python -m data_prep.combine data/valid data/corpora/*/valid
  python -m data_prep.stats data/train "${configs[@]}" "${workers[@]}"
  python -m data_prep.gaps data/valid random "${configs[@]}"
  for set in data/corpora/*/test; do python -m data_prep.gaps "$set" --protocol "$protocol" "${configs[@]}"; done
fi
if due 4 "train"; then
  avsi train "${configs[@]}" --out "$model"
  avsi export "$model" --sound-alone --out "${model}_sound" --trained-on "free speech of $(cat data/train/corpus 2>/dev/null)"
fi
if due 5 "restore"; then
  [ -e "${model}_sound/config.json" ] || fail "${model}_sound: no model yet; stage 4 trains it, or finds the trained one and writes this part of it"
  for set in data/corpora/*/test; do
    systems=(--system unprocessed --system mean --system interpolation)
    if [ -e "$set/landmarks.scp" ]; then systems+=("${besides[@]}" --system "$model"); else systems+=(--system a); fi
    systems+=(--system "${model}_sound")
    python -m evaluation.restore "$set" --protocol "$protocol" "${systems[@]}" --out "exp/evaluation/$(basename "$(dirname "$set")")" "${workers[@]}" \
      "${shares[@]}"
  done
fi
if due 6 "score"; then for evaluation in exp/evaluation/*; do score "$evaluation" "${shares[@]}"; done; fi
if due 7 "report"; then
  for evaluation in exp/evaluation/*; do python -m evaluation.report "$evaluation" "${workers[@]}"; done
fi
