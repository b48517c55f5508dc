# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""Released checkpoints of the papers' authors, recognised by sha256 or by keys and shapes."""
