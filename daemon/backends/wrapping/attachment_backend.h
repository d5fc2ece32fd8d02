// SPDX-License-Identifier: Apache-2.0
// AttachmentBackend: another backend that is given the files with the request that names them.
//
// In front of each backend of a BackendSet, on the worker's thread. A request without files goes to the other backend at
// once, with the images that stand in it in their places. Else the session reads them first, one after the other, and then lets the other backend
// begin; what keeps it from that ends the stream before its first event. All tries of the other backend have them.

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

  std::optional<Refusal> validate(const HandoffRequest& request) const override { return inner_.validate(request); }
  std::string_view model(const HandoffRequest& request) const override { return inner_.model(request); }
  std::string_view format(const HandoffRequest& request) const override { return inner_.format(request); }
  std::unique_ptr<BackendSession> answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) override;

 private:
  Backend& inner_;
  const Config& config_;
  FileReader& files_;
  const FileReader::Directory directory_;
};

// data_dir, as a descriptor to open files beneath; the Error says why it cannot be had. Holds none where none is
// configured.
// May wait for the disk: at start-up and when the settings are read again.
Result<FileReader::Directory> open_data_dir(const Config& config);

}  // namespace streaming
