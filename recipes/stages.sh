# Sourced by the recipes, which set stage, stop_stage, last_stage, jobs, cluster and, for what is sought, conf, their own folder: errors, the
# numbers of stages, and the stage that scores.
fail() { echo "error: $1" >&2; exit 1; }
check_numbers() { # of stages and jobs, and those given
  for number in "$stage" "$stop_stage" "$jobs" "$@"; do
    case "$number" in *[!0-9]* | "") fail "'$number': stages${1:+, copies} and jobs are whole numbers" ;; esac
  done
  [ "$jobs" -gt 0 ] || fail "--jobs 0: expected 1 or more"
  if [ "$stage" -gt "$stop_stage" ] || [ "$stage" -gt "$last_stage" ]; then fail "there is no stage from $stage to $stop_stage"; fi
}
set_workers() { # what the programs get that take --jobs
  workers=(--jobs "$jobs")
  case "$cluster" in
    "") ;;
    *://*) workers+=(--cluster "$cluster") ;;
    *)
      [ -f "$cluster" ] || fail "--cluster $cluster: neither a file nor an address such as tcp://host:8786"
      workers+=(--cluster "$(realpath "$cluster")") ;;
  esac
}
is_due() { [ "$stage" -le "$1" ] && [ "$1" -le "$stop_stage" ]; }
due() { is_due "$1" && echo "stage $1: $2"; }
sought() { # a file, from where the caller is or else from the recipe's folder
  case "$1" in /*) echo "$1" ;; *) if [ -e "$1" ]; then realpath "$1"; else echo "$conf/$1"; fi ;; esac
}
score() { # an evaluation, and further options
  python -m evaluation.score "$1" --metrics default,plcmos --if-installed "${workers[@]}" "${@:2}"
}
count_phone_errors() { # in an evaluation of GRID
  if [ -e exp/recognizer/config.json ]; then
    python -m evaluation.recognize "$1" --recognizer exp/recognizer "${workers[@]}"
  else
    echo "note: no phone errors, since there is no exp/recognizer (run.sh, stage 5)"
  fi
}
