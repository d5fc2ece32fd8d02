// SPDX-License-Identifier: Apache-2.0
// AttachmentBackend: another backend that gets the files together with the request that names them.
//
// In front of each backend of a BackendSet, for requests that ask for attachments; on the worker's thread. Images that
// are in the request itself are put in their places, and the other backend begins at once. If there are files, the
// session reads them first, one after the other, and then lets the other backend begin. A failure before that ends the
// stream before its first event. All tries of the other backend have the files.

#pragma once

#include <memory>

#include "backends/backend.h"
#include "config/config.h"
#include "files/file_reader.h"

namespace streaming {

class AttachmentBackend final : public Backend {
 public:
  // Borrows the first three. `directory` is data_dir.
  AttachmentBackend(Backend& inner, const Config& config, FileReader& files, FileReader::Directory directory);

  // Also if what the request asks for cannot be had.
  std::optional<Refusal> refusal_for(const HandoffRequest& request) const override;
  std::string_view model(const HandoffRequest& request) const override { return inner_.model(request); }
  std::string_view format(const HandoffRequest& request) const override { return inner_.format(request); }
  std::unique_ptr<BackendSession> answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) override;

 private:
  Backend& inner_;
  const Config& config_;
  FileReader& files_;
  const FileReader::Directory directory_;
};

// data_dir, as a descriptor to open files beneath; without a descriptor if none is configured. May wait for the disk:
// at start-up and when the settings are read again.
Result<FileReader::Directory> open_data_dir(const Config& config);

}  // namespace streaming
