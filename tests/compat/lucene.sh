#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hits, order, totals and scores against Lucene 8.7.0 with StandardAnalyzer and the BM25 that Elasticsearch 7.10 uses: match,
# match with operator and, phrases with and without slop, bool mixes, prefix, over generated documents in several segments,
# first pages and long ones, totals counted to the end and to a limit. Skipped visibly where Java or Lucene is not there.
#
#   tests/compat/lucene.sh [DOCUMENTS] [QUERIES PER CLASS]      default 20,000 and 70 of each of 16 classes
#
# SEED changes documents and queries; TEXT_BENCH names the program (default build/dev/text_bench).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lucene/lucene.bash"
docs=${1:-20000}
per_class=${2:-70}
seed=${SEED:-$RANDOM}
bench=${TEXT_BENCH:-$here/../../build/dev/text_bench}
lucene_find || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo "SEED=$seed"
lucene_build "$dir/classes"
"$bench" load "$dir/naru" "$seed" "$docs" 3
"$bench" docs "$seed" "$docs" | lucene index "$dir/lucene" 3
"$bench" queries "$seed" "$docs" "$per_class" >"$dir/queries"
failed=0
for mode in "1000 10" "true 10" "true 300" "20 3"; do
    read -r track size <<<"$mode"
    echo "hits: $size, totals up to: $track"
    "$bench" run "$dir/naru" "$dir/queries" 0 1 "$track" "$size" >"$dir/naru.out"
    lucene run "$dir/lucene" "$dir/queries" 0 1 "$track" "$size" >"$dir/lucene.out"
    "$here/../../bench/text/compare.py" "$dir/naru.out" "$dir/lucene.out" "$dir/queries" || failed=1
done
exit $failed
