#include "tools/room/control_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace casebox::tools {
namespace {

constexpr size_t kLongestOrder = 64 << 10;
constexpr int kControlPollMs = 100;
constexpr time_t kPatience_s = 15;

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.empty() || text.size() >= sizeof address.sun_path)
    return Error{Code::kInvalidArgument,
                 text + ": longer than a socket's path may be (107 bytes); name a shorter one"};
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

void be_patient(int fd) {
  const timeval wait{kPatience_s, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

std::optional<std::string> read_order(int fd) {
  std::string line;
  char byte = 0;
  while (line.size() < kLongestOrder) {
    const ssize_t n = recv(fd, &byte, 1, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    if (byte == '\n') return line;
    line.push_back(byte);
  }
  return std::nullopt;
}

bool write_order(int fd, std::string line) {
  line.push_back('\n');
  for (size_t at = 0; at < line.size();) {
    const ssize_t n = send(fd, line.data() + at, line.size() - at, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += static_cast<size_t>(n);
  }
  return true;
}

Fd connect_to(const sockaddr_un& address) {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fd.reset();
  return fd;
}

}  // namespace

Result<std::unique_ptr<ControlSocket>> ControlSocket::start(const std::filesystem::path& path,
                                                            Answer answer) {
  CASEBOX_TRY(const sockaddr_un address, address_of(path));
  if (connect_to(address))
    return Error{Code::kAlreadyExists,
                 path.string() + ": another recorder answers here; give each a control of its own"};
  std::error_code ec;
  if (std::filesystem::is_socket(path, ec)) std::filesystem::remove(path, ec);
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const mode_t before = umask(0177);
  const bool bound =
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int why = errno;
  umask(before);
  if (!bound || listen(fd.get(), 8) != 0)
    return Error{Code::kIo, path.string() + ": " + std::strerror(bound ? errno : why) +
                                "; name a path where a socket can be made"};
  std::unique_ptr<ControlSocket> made(new ControlSocket(std::move(fd), path, std::move(answer)));
  made->thread_ = std::thread([raw = made.get()] { raw->run(); });
  return made;
}

ControlSocket::ControlSocket(Fd fd, std::filesystem::path path, Answer answer)
    : fd_(std::move(fd)), path_(std::move(path)), answer_(std::move(answer)) {}

ControlSocket::~ControlSocket() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void ControlSocket::run() {
  while (!stopping_) {
    pollfd wait{fd_.get(), POLLIN, 0};
    if (poll(&wait, 1, kControlPollMs) <= 0) continue;
    Fd peer(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer) continue;
    const timeval soon{2, 0};  // one that says nothing keeps nobody waiting
    setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    if (const auto line = read_order(peer.get())) write_order(peer.get(), answer_(*line));
  }
}

Result<std::string> ask_recorder(const std::filesystem::path& path, const std::string& line) {
  CASEBOX_TRY(const sockaddr_un address, address_of(path));
  const Fd fd = connect_to(address);
  if (!fd)
    return Error{Code::kUnavailable, path.string() + ": " + std::strerror(errno) +
                                         "; is the recorder running, with this control?"};
  be_patient(fd.get());
  if (write_order(fd.get(), line))
    if (auto answer = read_order(fd.get())) return *answer;
  return Error{Code::kUnavailable, path.string() + ": the recorder does not answer"};
}

}  // namespace casebox::tools
