# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The authors' weights: which there are, fetching them, importing and checking weight files."""
