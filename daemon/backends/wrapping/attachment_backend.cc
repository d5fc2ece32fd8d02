// SPDX-License-Identifier: Apache-2.0
#include "backends/wrapping/attachment_backend.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "backends/wrapping/attachments.h"
#include "backends/wrapping/wrapping_session.h"
#include "base/base64.h"
#include "base/check.h"

namespace streaming {
namespace {

// What the client gets to read, without the path.
std::string_view reason(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      return "is not there";
    case EXDEV:
    case ELOOP:
      return "is not beneath data_dir";
    case EFBIG:
      return "is too large";
    case EINVAL:
    case ENXIO:
    case EISDIR:
      return "is no file";
    default:
      return "cannot be read";
  }
}

constexpr int kBusyRetrySeconds = 2;

// Each place that asks for it takes a copy.
std::size_t copies(const Attachment& attachment) {
  return std::max<std::size_t>(attachment.uses, 1);
}

// What a request holds of a file: an image or a PDF in base64, and a text no more than that.
std::size_t bytes_in_request(const Attachment& attachment, std::size_t file_bytes) {
  return base64_size(file_bytes) * copies(attachment);
}

std::string message_of(const Attachment& attachment, int code) {
  std::string what(reason(code));
  if (code == EFBIG && attachment.uses > 1) what += " for the " + std::to_string(attachment.uses) + " places it is for";
  return message_about(attachment, what);
}

class AttachmentSession final : public WrappingSession, private FileReceiver {
 public:
  AttachmentSession(Backend& inner, const Config& config, FileReader& files, FileReader::Directory directory,
                    std::unique_ptr<HandoffRequest> request, std::vector<Attachment> attachments, EventSink& sink)
      : WrappingSession(sink),
        inner_(inner),
        config_(config),
        files_(files),
        directory_(std::move(directory)),
        request_(std::move(request)),
        attachments_(std::move(attachments)),
        bytes_(bytes_in_payload(attachments_)),
        bytes_in_request_(base64_size(bytes_)) {
    read_next();
  }
  ~AttachmentSession() override { cancel(); }

 private:
  void on_cancel() override {
    if (reading_) files_.forget(*std::exchange(reading_, std::nullopt));
    request_.reset();
    attachments_.clear();
  }
  void on_event(const AnswerEvent& event) override {
    if (event.kind != AnswerEvent::Kind::kProgress) dispose();
    sink().on_event(event);
  }
  void on_end(FinishReason reason) override {
    dispose();
    sink().on_end(reason);
  }
  void on_failure(const BackendFailure& failure) override { sink().on_failure(failure); }

  void read_next() {
    CHECK(!reading_ && next_ < attachments_.size() && attachments_[next_].is_file());
    CHECK(bytes_ <= static_cast<std::size_t>(config_.attachments_max_total_bytes));
    const auto left = static_cast<std::size_t>(config_.attachments_max_total_bytes) - bytes_;
    const std::size_t most =
        std::min(static_cast<std::size_t>(config_.attachments_max_file_bytes), left / copies(attachments_[next_]));
    reading_ = files_.read(directory_, attachments_[next_].path, most, *this);
  }

  // Called before the memory is allocated. Counts twice, because the request to the API is a copy.
  bool on_size(std::size_t bytes) override {
    CHECK(reading_ && request_ != nullptr);
    bytes_in_request_ += bytes_in_request(attachments_[next_], bytes);
    if (request_->held.set(request_->bytes() + 2 * bytes_in_request_)) return true;
    reading_.reset();
    sink().on_failure({.kind = FailureKind::kOverBudget,
                       .detail = "an attachment would have all requests hold more than server.max_held_bytes",
                       .retry_after_seconds = kBusyRetrySeconds});
    return false;
  }

  void on_file(Result<std::string> contents) override {
    CHECK(reading_ && request_ != nullptr);
    reading_.reset();
    Attachment& attachment = attachments_[next_];
    if (!contents) return fail(message_of(attachment, contents.error().code));
    bytes_ += contents->size() * copies(attachment);
    if (Status taken = take_contents(attachment, std::move(*contents)); !taken) return fail(taken.error().message);
    ++next_ < attachments_.size() && attachments_[next_].is_file() ? read_next() : ask();
  }

  void ask() {
    CHECK(!reading_ && to_remove_.empty());
    if (config_.attachments_delete_after_use) {
      for (const Attachment& attachment : attachments_) {
        if (attachment.is_file()) to_remove_.push_back(attachment.path);
      }
    }
    add_attachments(*request_, std::move(attachments_));
    request_->held.set(request_->bytes());
    begin(inner_.answer(std::move(request_), *this));
  }

  // Removes the files, because there is an answer. Until then they stay, so that the request can be made again.
  void dispose() {
    for (const std::string& path : to_remove_) files_.remove(directory_, path);
    to_remove_.clear();
  }

  void fail(const std::string& message) {
    sink().on_failure({.kind = FailureKind::kAttachment, .detail = "an attachment cannot be used", .message = message});
  }

  Backend& inner_;
  const Config& config_;
  FileReader& files_;
  const FileReader::Directory directory_;
  std::unique_ptr<HandoffRequest> request_;  // until the other backend has it
  std::vector<Attachment> attachments_;      // until then, too
  std::vector<std::string> to_remove_;       // from then until the first event
  std::size_t next_ = 0;                     // the file that is being read
  std::size_t bytes_;                        // of those that were, and of the images of the payload
  std::size_t bytes_in_request_;             // of these and of that one
  std::optional<Handle> reading_;
};

}  // namespace

AttachmentBackend::AttachmentBackend(Backend& inner, const Config& config, FileReader& files,
                                     FileReader::Directory directory)
    : inner_(inner), config_(config), files_(files), directory_(std::move(directory)) {
}

std::optional<Refusal> AttachmentBackend::refusal_for(const HandoffRequest& request) const {
  if (const auto attachments = find_attachments(request, config_); !attachments) {
    return Refusal{400, attachments.error().message};
  }
  return inner_.refusal_for(request);
}

std::unique_ptr<BackendSession> AttachmentBackend::answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) {
  Result<std::vector<Attachment>> attachments = find_attachments(*request, config_);
  CHECK(attachments.ok());  // because refusal_for() has refused all others
  if (attachments->empty()) return inner_.answer(std::move(request), sink);
  if (!attachments->front().is_file()) {
    add_attachments(*request, std::move(*attachments));
    request->held.set(request->bytes());
    return inner_.answer(std::move(request), sink);
  }
  return std::make_unique<AttachmentSession>(inner_, config_, files_, directory_, std::move(request),
                                             std::move(*attachments), sink);
}

Result<FileReader::Directory> open_data_dir(const Config& config) {
  const std::string& path = config.attachments_data_dir;
  if (path.empty()) return FileReader::Directory(std::make_shared<const UniqueFd>());
  UniqueFd directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Error::from_errno("cannot open attachments.data_dir " + path, errno);
  return FileReader::Directory(std::make_shared<const UniqueFd>(std::move(directory)));
}

}  // namespace streaming
