// handoff-top: a daemon's streams, rates and latencies in the terminal, from its metrics.

#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "top/exposition.h"
#include "top/view.h"

namespace {

constexpr long kTimeoutMs = 5000;
constexpr const char* kClearScreen = "\x1b[H\x1b[2J";

std::size_t append(char* bytes, std::size_t size, std::size_t count, void* text) {
  static_cast<std::string*>(text)->append(bytes, size * count);
  return size * count;
}

// Nothing, and a word on stderr, when the daemon cannot be asked.
std::optional<top::Exposition> ask(const std::string& url) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> request(curl_easy_init(), curl_easy_cleanup);
  std::string text;
  curl_easy_setopt(request.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(request.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(request.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(request.get(), CURLOPT_TIMEOUT_MS, kTimeoutMs);
  curl_easy_setopt(request.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(request.get(), CURLOPT_WRITEDATA, &text);
  const CURLcode result = curl_easy_perform(request.get());
  if (result == CURLE_OK) return top::Exposition::parse(text);
  std::fprintf(stderr, "handoff-top: cannot read %s: %s; is metrics.listen_addr of the daemon there?\n", url.c_str(),
               curl_easy_strerror(result));
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  std::string url = "http://127.0.0.1:9090/metrics";
  double interval_s = 1;
  bool once = false;
  CLI::App app("handoff-top: shows what a streaming-daemon does, from its metrics.", "handoff-top");
  app.add_option("--url", url, "the daemon's metrics [" + url + "]")->type_name("URL");
  app.add_option("--interval", interval_s, "seconds from one look to the next [1]")
      ->type_name("S")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_flag("--once", once, "print one interval plainly, and end");
  CLI11_PARSE(app, argc, argv);

  std::optional<top::Exposition> before = ask(url);
  while (before) {
    std::this_thread::sleep_for(std::chrono::duration<double>(interval_s));
    std::optional<top::Exposition> after = ask(url);
    if (!after) break;
    std::printf("%s%s", once ? "" : kClearScreen, top::view(*before, *after, interval_s).c_str());
    std::fflush(stdout);
    if (once) return EXIT_SUCCESS;
    before = std::move(after);
  }
  return EXIT_FAILURE;
}
