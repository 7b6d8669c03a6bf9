#!/bin/sh
# Software that nobody here wrote, each in an environment of its own under .venvs/, made when it is missing or its pins
# have changed. Called by ./dev real:
#   ./dev real [ARGUMENTS OF PYTEST]   run, and compare with the committed reports in docs/results/
#   ./dev real --write                 run, rewrite the reports whose essence differs, and docs/matrix.md
#   ./dev real --matrix FILE           only write the page from the reports as they stand
# The reports and the terminal output of the last run stay in .cache/real/.
set -eu
cd "$(dirname "$0")/.."
python=${SEGUE_PYTHON:-.venv/bin/python}

matrix() {
  "$python" -P -c 'from segue_conformance.matrix import matrix; matrix(prog_name="segue matrix")' \
    'reference endpoint=docs/results/reference.json' \
    'aimock 1.43.0=docs/results/aimock.json' \
    'aimock 1.43.0, without state=docs/results/aimock-stateless.json' \
    'Segue in front of aimock 1.43.0=docs/results/aimock-gateway.json' \
    'smg 1.13.0=docs/results/smg.json' \
    --title Results --out "$1"
}

. tools/environments.sh

# node_environment NAME PACKAGE VERSION [PACKAGE VERSION]
node_environment() {
  ready "$1" "$2@$3${4:+ $4@$5}" && return
  if ! command -v npm >/dev/null 2>&1; then
    echo "./dev real: npm is missing, so $2 can't be installed; its tests will fail" >&2
    return
  fi
  echo "./dev real: installing $2@$3 into .venvs/$1, once" >&2
  rm -rf ".venvs/$1"
  mkdir -p ".venvs/$1"
  printf '{"private": true, "dependencies": {"%s": "%s"%s}}\n' "$2" "$3" "${4:+, \"$4\": \"$5\"}" \
    >".venvs/$1/package.json"
  # No lock file: it would name hosts.
  (cd ".venvs/$1" && npm install --save-exact --no-package-lock --no-audit --no-fund --ignore-scripts --no-update-notifier \
    --loglevel=error)
  printf '%s' "$2@$3${4:+ $4@$5}" >".venvs/$1/.pins"
}

if [ "${1:-}" = --matrix ]; then
  matrix "$2"
  exit
fi
if [ "${1:-}" = --write ]; then
  shift
  export SEGUE_REAL_WRITE=1
fi

python_environment openai 'openai[realtime]==3.54.0'
python_environment anthropic 'anthropic==2.12.0'
python_environment smg 'smg==1.13.0'
python_environment agents 'openai-agents==0.24.0'
node_environment aimock @copilotkit/aimock 1.43.0
node_environment openai-js openai 7.57.0 ws 8.23.0

SEGUE_REAL=1 "$python" -m pytest tests/real -m real "$@"
[ -z "${SEGUE_REAL_WRITE:-}" ] || matrix docs/matrix.md
