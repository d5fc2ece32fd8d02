// SPDX-License-Identifier: Apache-2.0
// Whether the ring's own file table ("direct descriptors") can be used for clients.
//
// Kernels before 6.13 release a file that is taken out of the table only when all older operations on files of that
// table have ended. Here those are watches that last as long as their streams: a client that has left would stay open
// until an older stream ends, however long that takes.

#pragma once

namespace streaming {

// Tries it, as a version number tells nothing of backports. False also when that fails.
bool kernel_releases_direct_files_at_once();

}  // namespace streaming
