# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""The command espnet-perception: one file per sub-command."""
