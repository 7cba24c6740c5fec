// A stand-in for libFuzzer where there is none: feeds every file of the given folders to
// LLVMFuzzerTestOneInput, then simple mutations of them for some seconds, always the same ones.
// Finds what a decoder does with damaged input under the sanitizers of an ordinary build; it has no
// coverage feedback.
//
//   replay_<name> CORPUS [SECONDS]
//
// When an input kills the process, its bytes are left in `<program>.crash` in the current folder.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kMaxSize = 1 << 16;

const std::string* current_input = nullptr;
std::string crash_file;

void keep_input() {
  if (!current_input) return;
  const int fd = open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) return;
  if (write(fd, current_input->data(), current_input->size()) >= 0)
    std::fprintf(stderr, "the input is in %s\n", crash_file.c_str());
  close(fd);
}

extern "C" void on_signal(int number) {
  keep_input();
  signal(number, SIG_DFL);
  raise(number);
}

void run(const std::string& input) {
  current_input = &input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  current_input = nullptr;
}

/// One to four damages: flipped bit, set byte, number at the edges, cut, doubled part, splice with
/// another.
std::string mutate(std::string input, const std::vector<std::string>& corpus,
                   std::mt19937_64& random) {
  const auto below = [&random](size_t n) { return n == 0 ? 0 : random() % n; };
  for (size_t n = 1 + below(4); n > 0; --n) {
    const size_t at = below(input.size());
    switch (below(7)) {
      case 0:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 1:
        if (!input.empty()) input[at] = static_cast<char>(random());
        break;
      case 2: {
        static constexpr uint64_t kEdges[] = {0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, ~0ull};
        const uint64_t value = kEdges[below(std::size(kEdges))];
        for (size_t i = 0, width = size_t{1} << below(4); i < width && at + i < input.size(); ++i)
          input[at + i] = static_cast<char>(value >> (8 * i));
        break;
      }
      case 3: input.resize(at); break;
      case 4: input.insert(at, input, at, below(64)); break;
      case 5: input.erase(at, below(16)); break;
      default: {
        const std::string& other = corpus[below(corpus.size())];
        input = input.substr(0, at) + other.substr(below(other.size()));
        break;
      }
    }
  }
  input.resize(std::min(input.size(), kMaxSize));
  return input;
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#endif

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS [SECONDS]\n", argv[0]);
    return 2;
  }
  crash_file = std::filesystem::path(argv[0]).filename().string() + ".crash";
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_set_death_callback(keep_input);
#endif
  for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS, SIGILL}) signal(number, on_signal);
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0;

  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1]))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no corpus\n", argv[1]);
    return 1;
  }
  run("");
  for (const std::string& input : corpus) run(input);

  std::mt19937_64 random(1);
  size_t mutations = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    const size_t pick = random() % corpus.size();
    run(mutate(corpus[pick], corpus, random));
    ++mutations;
  }
  std::printf("%zu files, %zu mutations\n", corpus.size(), mutations);
  return 0;
}
