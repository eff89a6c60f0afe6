# Sourced by the recipes: puts the checkout's programs, and its virtual environment where there is one, on the paths.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
if [ -d "$root/.venv/bin" ]; then export PATH="$root/.venv/bin:$PATH"; fi
