# Environments of software that nobody here wrote, below .venvs/, made when they are missing or their pins have changed.
# Read by tools/real.sh and tools/bench.sh; wants $python.

# ready NAME PINS: whether the environment stands with exactly these pins.
ready() {
  [ -f ".venvs/$1/.pins" ] && [ "$(cat ".venvs/$1/.pins")" = "$2" ]
}

# python_environment NAME REQUIREMENT
python_environment() {
  ready "$1" "$2" && return
  echo "./dev: installing $2 into .venvs/$1, once" >&2
  rm -rf ".venvs/$1"
  "$python" -m venv ".venvs/$1"
  ".venvs/$1/bin/python" -m pip install --quiet --disable-pip-version-check "$2"
  printf '%s' "$2" >".venvs/$1/.pins"
}
