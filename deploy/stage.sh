# Sourced by the scripts: stages with their elapsed time, and their output kept in a file.
#
#   stage NAME TEXT COMMAND [ARG ...]
#
# runs COMMAND with its output in $STAGE_LOGS/NAME.log and prints TEXT with the time it took on standard
# error. On a terminal a line with the elapsed time and the newest output stands below while it runs. A
# failing command's last lines are shown; the stage returns the command's status.

STAGE_LOGS=${STAGE_LOGS:-$PWD/build/log}

# The newest line of a log, cut to the terminal's width.
stage_tail() {
  tail -c 400 "$1" 2> /dev/null | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 |
    tr -cd '[:print:]' | cut -c "1-$2"
}

stage_ticker() {
  local text=$1 log=$2 start=$SECONDS width
  while sleep 1; do
    width=$(tput cols 2> /dev/null || echo 80)
    printf '\r\033[K%s %d s  %s' "$text" $((SECONDS - start)) \
      "$(stage_tail "$log" $((width > ${#text} + 12 ? width - ${#text} - 12 : 1)))" >&2
  done
}

stage() {
  local name=$1 text=$2 log ticker= status=0 start=$SECONDS
  shift 2
  mkdir -p "$STAGE_LOGS"
  log=$STAGE_LOGS/$name.log
  : > "$log"
  if [ -t 2 ]; then
    printf '%s' "$text" >&2
    stage_ticker "$text" "$log" &
    ticker=$!
  else
    printf '%s ...\n' "$text" >&2
  fi
  "$@" > "$log" 2>&1 < /dev/null || status=$?
  if [ -n "$ticker" ]; then
    kill "$ticker" 2> /dev/null
    wait "$ticker" 2> /dev/null || true
    printf '\r\033[K' >&2
  fi
  if [ "$status" = 0 ]; then
    printf '%s: %d s\n' "$text" $((SECONDS - start)) >&2
  else
    tail -n "${STAGE_TAIL:-30}" "$log" >&2
    printf '%s: failed after %d s (exit code %d); all of its output is in %s\n' \
      "$text" $((SECONDS - start)) "$status" "${log#"$PWD"/}" >&2
  fi
  return "$status"
}
