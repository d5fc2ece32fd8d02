// SPDX-License-Identifier: Apache-2.0
// handoff-top: a daemon's streams, rates and latencies in the terminal, from its metrics.

#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <clocale>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "top/client.h"
#include "top/endpoints.h"
#include "top/json.h"
#include "top/keys.h"
#include "top/model.h"
#include "top/terminal.h"
#include "top/view.h"

namespace top {
namespace {

struct Options {
  std::string url = "127.0.0.1:9090";
  double interval_s = 1;
  bool once = false;
  bool json = false;
};

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Asks again and again, and keeps the model and the view's streams.
class Watch {
 public:
  Watch(const Options& options, const Endpoints& endpoints)
      : client_(endpoints.metrics, endpoints.streams),
        view_{.daemon = endpoints.name, .interval_s = options.interval_s} {}

  Model& model() { return model_; }
  View& view() { return view_; }

  // Until something has come, one of the descriptors is ready, or the second is over. Whether the figures are new.
  bool wait(std::span<curl_waitfd> descriptors) {
    const double now = now_s();
    if (!view_.paused && now >= due_) {
      due_ = now + view_.interval_s;
      client_.metrics().ask();
      if (view_.tab == Tab::kStreams) client_.streams().ask();
    }
    // A silence is counted in seconds, so one is the longest.
    const double wait_s = view_.paused ? 1 : std::clamp(due_ - now, 0.0, 1.0);
    client_.wait(descriptors, static_cast<int>(std::ceil(wait_s * 1000)));
    view_.now = now_s();
    if (std::optional<Answer> answer = client_.streams().take()) take_streams(*answer);
    std::optional<Answer> answer = client_.metrics().take();
    if (!answer) return false;
    if (!answer->failure.empty()) {
      model_.fail(answer->failure, view_.now);
      return false;
    }
    model_.take(Exposition::parse(answer->text), view_.now);
    return model_.figures().has_value();
  }

  // At once, as somebody has asked for it.
  void ask_now() { due_ = std::min(due_, now_s()); }

 private:
  void take_streams(const Answer& answer) {
    view_.streams = answer.failure.empty() ? parse_streams(answer.text) : std::nullopt;
    view_.streams_failure = answer.failure.empty() ? "the daemon's list of streams cannot be read" : answer.failure;
    if (view_.streams) view_.scroll = std::min(view_.scroll, view_.streams->size());
  }

  Client client_;
  Model model_;
  View view_;
  double due_ = 0;
};

int watch_on_terminal(Watch& watch) {
  const Terminal terminal;
  const Abilities abilities = terminal_abilities();
  for (;;) {
    Screen screen(terminal_size(), abilities);
    draw(screen, watch.model(), watch.view());
    Terminal::write(screen.frame());
    curl_waitfd descriptors[] = {{terminal.keys(), CURL_WAIT_POLLIN, 0}, {terminal.signals(), CURL_WAIT_POLLIN, 0}};
    watch.wait(descriptors);
    if (terminal.read_signals()) return EXIT_SUCCESS;
    const Tab tab = watch.view().tab;
    if (!apply_keys(terminal.read_keys(), terminal_size(), watch.view())) return EXIT_SUCCESS;
    if (watch.view().tab != tab) watch.ask_now();
  }
}

// For files, pipes and programs: what is drawn once, or the figures as JSON.
int print(Watch& watch, const Options& options) {
  std::string complaint;
  watch.view().keys = false;
  for (;;) {
    if (!watch.wait({})) {
      const std::string& failure = watch.model().failure();
      if (!failure.empty() && std::exchange(complaint, failure) != failure) {
        std::fprintf(stderr, "handoff-top: %s; is metrics.listen_addr of the daemon there?\n", failure.c_str());
      }
      if (!failure.empty() && options.once) return EXIT_FAILURE;
      continue;
    }
    complaint.clear();
    Screen screen(terminal_size(), terminal_abilities());
    draw(screen, watch.model(), watch.view());
    std::fputs((options.json ? to_json(*watch.model().figures()) : screen.text() + "\n").c_str(), stdout);
    if (std::fflush(stdout) != 0 || options.once) return EXIT_SUCCESS;
  }
}

int run(const Options& options) {
  Watch watch(options, endpoints_of(options.url));
  const bool on_terminal = is_terminal() && !options.once && !options.json;
  return on_terminal ? watch_on_terminal(watch) : print(watch, options);
}

}  // namespace
}  // namespace top

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  top::Options options;
  CLI::App app("handoff-top: shows the streams, rates and latencies of a streaming-daemon, from its metrics.",
               "handoff-top");
  app.add_option("--url", options.url, "the daemon's metrics: HOST:PORT, PORT, or a URL [127.0.0.1:9090]")
      ->type_name("URL");
  app.add_option("--interval", options.interval_s, "seconds between two readings [1]")
      ->type_name("S")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_flag("--once", options.once, "print the figures of one interval as plain text, and end");
  app.add_flag("--json", options.json, "print the figures as JSON, one line for each interval");
  CLI11_PARSE(app, argc, argv);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  return top::run(options);
}
