#!/bin/sh
# Builds the wheel and tries it where nothing else of this project is: its own environment, an empty folder.
set -eu
root=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/python -m build --quiet --wheel --outdir "$work/dist" . >/dev/null
python=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
"$python" -m venv "$work/env"
wheel=$(ls "$work"/dist/*.whl)

echo "bare install: what an agent's author gets"
"$work/env/bin/python" -m pip install --quiet --disable-pip-version-check -c "$root/constraints.txt" "$wheel"
cd "$work"
env/bin/python -c 'import segue; from segue_schemas import validator; validator("server.json#/$defs/ServerMessage"); print("import segue, schemas: ok")'
if env/bin/segue check 2>"$work/said"; then echo "segue check ran without its extra" >&2; exit 1; fi
grep -q "segue-protocol\[check\]" "$work/said" || { echo "segue check did not say what to install:" >&2; cat "$work/said" >&2; exit 1; }
cat "$work/said"

echo "with the extra: the main job"
env/bin/python -m pip install --quiet --disable-pip-version-check -c "$root/constraints.txt" "$wheel[check]"
env/bin/segue check --json report.json --html report.html
env/bin/segue explain SEG-CONT-012 >explained
for title in "Why it is there" "Kept: " "Broken: " "Known to break it"; do
  grep -q "^$title" explained || { echo "segue explain did not tell \"$title\":" >&2; cat explained >&2; exit 1; }
done

echo "plain pytest, on a served endpoint"
env/bin/segue serve --port 0 >served 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
tries=0
until url=$(sed -n 's/^Segue serves on //p' served) && [ -n "$url" ]; do
  tries=$((tries + 1))
  [ "$tries" -le 100 ] || { echo "segue serve did not come up:" >&2; cat served >&2; exit 1; }
  sleep 0.1
done
env/bin/python -m pytest --pyargs segue_conformance.checks -q -p no:cacheprovider -k users_words \
  --segue-url "$url" --segue-model scripted
