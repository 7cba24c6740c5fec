#!/bin/bash
# kafka_test.sh CASEBOX MAKE_RECORDING TEST_INGEST
#
# On a real Kafka broker: the contract suite of the bus; then one recording stored twice, embedded and
# through the broker with the ingest process killed six times by SIGKILL and the forwarder once. Both
# stores must hold the same case. A record that is not a frame must end in quarantine and cost nothing
# else. At last one node runs the jobs of cases as they close, and another has the findings from the broker.
set -euo pipefail
casebox=${CASEBOX:-$1} make_recording=$2 test_ingest=$3  # CASEBOX: another build of the program
root=$(cd "$(dirname "$0")/../.." && pwd)
for program in java mvn; do
  command -v "$program" > /dev/null || {
    echo "skipped: $program is not installed (apt-get install default-jre-headless maven)"
    exit 77
  }
done

work=$(mktemp -d)
forwarder= ingester= analyst= carrier=
finish() {
  for pid in $forwarder $ingester $analyst $carrier; do kill -KILL "$pid" 2> /dev/null || true; done
  "$root/deploy/kafka/stop" "$work/kafka" KILL || true
  rm -rf "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# The value of a key of a JSON document, by name; numbers and words only.
value() { tr -d ' \n' < "$1" | grep -oE "\"$2\":\"?[^,\"}]*" | head -n 1 | sed 's/.*[:"]//'; }
# What must be equal in two stores; what a bus brought beside is no part of it.
cases() {
  "$casebox" verify "$1" --json | tr -d ' \n' | sed 's/"quarantined":\[[^]]*\]//g' |
    grep -oE '"(case_digest|verdict)":"[^"]*"|"(frames|items|missing|gap_frames)":[0-9]+'
}

brokers=$("$root/deploy/kafka/start" "$work/kafka")
echo "== the bus contract on $brokers"
CASEBOX_KAFKA=$brokers CASEBOX_KAFKA_DIR=$work/kafka "$test_ingest" --gtest_brief=1 --gtest_filter='Real/*'

echo "== one recording, embedded"
"$make_recording" log "$work/spool" "$work/keys" "${SECONDS_OF_CASE:-120}"
"$casebox" ingest --store "$work/embedded" --keys "$work/keys" --logs "$work/spool" --until-idle 0.5 \
  --json > "$work/embedded.json"
frames=$(value "$work/embedded.json" frames)
[ "$frames" -gt 1000 ] || fail "only $frames frames embedded"
[ "$(value "$work/embedded.json" quarantined)" = 0 ] || fail "frames in quarantine, embedded"

echo "== the same $frames frames over Kafka, with six kills of ingest and two of the forwarder"
"$casebox" topics --kafka "$brokers" --partitions 2 --json > /dev/null
forward() {  # in the background: exec, so that the kill hits the program and not a shell around it
  exec "$casebox" forward "$work/spool" --kafka "$brokers" --partitions 2 --until-idle 1 "$@"
}
rate=$((frames / 60))  # so that the kills fall while frames arrive, on a busy machine too
# What the store has written so far; a running ingest changes it with each commit, and may delete a file that
# find has just met.
written() { { find "$work/kafka-store" -type f -printf '%s %p\n' 2> /dev/null || true; } | sort | cksum; }
kill_forwarder() {  # and starts another with these options
  kill -KILL $forwarder 2> /dev/null || fail "the forwarder ended before it could be killed"
  wait $forwarder 2> /dev/null || true
  forward "$@" --json > /dev/null &
  forwarder=$!
}
forward --rate $rate --json > /dev/null &
forwarder=$!
for kill in 1 2 3 4 5 6; do
  "$casebox" ingest --store "$work/kafka-store" --keys "$work/keys" --kafka "$brokers" \
    --json > "$work/killed.json" 2>> "$work/ingest.log" &
  ingester=$!
  for try in $(seq 100); do  # opening takes its time on a busy machine
    [ "$try" != 4 ] || before=$(written)
    [ "$try" -lt 5 ] || [ "$(written)" = "$before" ] || break
    sleep 0.1
  done
  sleep "0.$((RANDOM % 40 + 10))"  # the random moment is the test
  kill -KILL $ingester 2> /dev/null || fail "ingest ended by itself: $(tail -n 3 "$work/ingest.log")"
  wait $ingester 2> /dev/null || true
  ingester=
  [ $kill != 3 ] || kill_forwarder --rate $rate
done
kill_forwarder  # the rest as fast as it goes
ingest() {
  "$casebox" ingest --store "$work/kafka-store" --keys "$work/keys" --kafka "$brokers" \
    --until-idle 2 --json > "$1"
}
ingest "$work/rest.json"
wait $forwarder || fail "the forwarder failed"
forwarder=
ingest "$work/last.json"
[ "$(value "$work/rest.json" frames)" -lt "$frames" ] || fail "no kill hit: all came in one run"
[ "$(value "$work/rest.json" frames)" -gt 0 ] || fail "no kill hit: all came before the last"
[ "$(cases "$work/kafka-store")" = "$(cases "$work/embedded")" ] || {
  cases "$work/embedded"
  cases "$work/kafka-store"
  fail "the two stores differ"
}
[ "$(value "$work/last.json" quarantined)" = 0 ] || fail "frames in quarantine"
echo "   $(cases "$work/kafka-store" | head -n 2 | tr '\n' ' ')"

echo "== a record that is not a frame"
"$make_recording" junk "$brokers"
ingest "$work/junk.json"
[ "$(value "$work/junk.json" quarantined)" = 1 ] || fail "not in quarantine: $(cat "$work/junk.json")"
[ "$(cases "$work/kafka-store")" = "$(cases "$work/embedded")" ] || fail "it cost another record"

echo "== jobs on one node as cases close; their findings reach another over the broker"
"$casebox" ingest --store "$work/kafka-store" --keys "$work/keys" --kafka "$brokers" --analyze \
  --json > "$work/analyst.json" 2> "$work/analyst.log" &
analyst=$!
for try in $(seq 100); do
  [ ! -d "$work/kafka-store/logs/analysis" ] || break
  sleep 0.1
done
"$casebox" forward "$work/kafka-store/logs/analysis" --kafka "$brokers" --partitions 2 2> "$work/carrier.log" &
carrier=$!
"$make_recording" log "$work/spool2" "$work/keys" 20
"$casebox" forward "$work/spool2" --kafka "$brokers" --partitions 2 --until-idle 1 2> /dev/null
other() {
  "$casebox" ingest --store "$work/other-store" --keys "$work/keys" --kafka "$brokers" \
    --until-idle 1 --json > "$work/other.json"
}
# Runs of the jobs that came to their end, over all cases of the other node.
runs() {
  local case
  for case in $("$casebox" cases --store "$work/other-store" --keys "$work/keys" --no-verify --json |
    grep -oE '"case_id": *"[^"]*' | sed 's/.*"//'); do
    "$casebox" show "$case" --store "$work/other-store" --keys "$work/keys" --json | tr -d ' \n' |
      grep -oE '"role":"analysis"[^}]*"closed":true' || true
  done | wc -l
}
for try in $(seq 30); do  # the case that closed before it looked, and the one that closed since
  other
  [ "$(runs)" -lt 2 ] || break
done
[ "$(runs)" = 2 ] || fail "$(runs) runs reached the other node: $(cat "$work/analyst.log" "$work/carrier.log")"
[ "$(value "$work/other.json" quarantined)" -le 1 ] || fail "findings in quarantine"
"$casebox" verify "$work/other-store" > /dev/null || fail "the other node's store is not whole"
kill -TERM $analyst
wait $analyst || fail "the node that analyses failed: $(cat "$work/analyst.log")"
analyst=
[ "$(value "$work/analyst.json" analysed)" = 2 ] || fail "analysed: $(value "$work/analyst.json" analysed)"
[ "$(value "$work/analyst.json" failed)" = 0 ] || fail "jobs failed: $(cat "$work/analyst.log")"
# Its own findings came back to it, and a restart runs nothing again.
"$casebox" ingest --store "$work/kafka-store" --keys "$work/keys" --kafka "$brokers" --analyze \
  --until-idle 2 --json > "$work/restart.json"
[ "$(value "$work/restart.json" analysed)" = 0 ] || fail "a restart runs jobs again"
kill -TERM $carrier
wait $carrier || true
carrier=
echo passed
