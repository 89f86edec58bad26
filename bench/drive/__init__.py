# SPDX-License-Identifier: Apache-2.0
"""What bench/http_logs and bench/big5 share: clients, measurements, comparison of answers, tables."""
