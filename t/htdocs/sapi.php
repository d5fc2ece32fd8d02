<?php
// SPDX-License-Identifier: Apache-2.0
// Which of its server interfaces PHP runs in.
echo PHP_SAPI, "\n";
