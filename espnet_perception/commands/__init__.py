# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Short commands in words: their grammar, their normal form, and the stop words."""
