// SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause
/* Copyright (c) 2021 Example Corp. */
#pragma once
