#!/bin/bash
# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
#
# Run all linters over the given paths, by default over the repository. Exit status 1 on any find.
# flake8 and pydocstyle have the rules of ament_flake8 and ament_pep257 (setup.cfg).
config=$(cd "$(dirname "$0")/.." && pwd)
if [ $# -eq 0 ]; then
  cd "$config"
  set -- espnet_perception launch test tools bench setup.py
fi
paths=()
for path in "$@"; do
  if [ -e "$path" ]; then
    paths+=("$path")
  fi
done

failed=0
python3 -m ruff check --quiet --config "$config/pyproject.toml" "${paths[@]}" || failed=1
python3 -m flake8 --config "$config/setup.cfg" "${paths[@]}" || failed=1
# ament_pep257 makes no exception for properties.
python3 -m pydocstyle --config "$config/setup.cfg" --property-decorators none "${paths[@]}" || failed=1
exit $failed
