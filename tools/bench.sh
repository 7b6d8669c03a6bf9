#!/bin/sh
# Every measurement, in one run, as ratios: numbers of two machines are not compared.
set -eu
for name in models suite; do
  echo "== $name"
  .venv/bin/python -m "segue_bench.$name" "$@"
done
echo "== chain"
.venv/bin/python -m segue_bench.chain
