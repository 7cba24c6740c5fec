#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tools/web/http_server.h"
#include "tools/web/static_files.h"

namespace casebox::tools::web {
namespace {

namespace net = boost::asio;

/// Sends `request` as it is and reads until the server closes.
std::string exchange(uint16_t port, const std::string& request) {
  net::io_context context;
  net::ip::tcp::socket socket(context);
  socket.connect({net::ip::make_address("127.0.0.1"), port});
  boost::system::error_code ignored;
  net::write(socket, net::buffer(request), ignored);
  std::string answer;
  net::read(socket, net::dynamic_buffer(answer), ignored);
  return answer;
}

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    HttpServer::Options options;
    options.max_connections = 8;
    auto started = HttpServer::start(options, [](const Request& request) {
      return Response{200, "text/plain", "path " + request.path, {}};
    });
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
    host_ = "127.0.0.1:" + std::to_string(server_->port());
  }
  std::string get(const std::string& host, const std::string& more = "",
                  const std::string& method = "GET") {
    return exchange(server_->port(), method + " /hello HTTP/1.1\r\nHost: " + host +
                                         "\r\nConnection: close\r\n" + more + "\r\n");
  }
  std::unique_ptr<HttpServer> server_;
  std::string host_;
};

TEST_F(HttpServerTest, AnswersOnLoopbackWithItsSafetyHeaders) {
  const std::string answer = get(host_);
  EXPECT_EQ(answer.rfind("HTTP/1.1 200", 0), 0u) << answer;
  EXPECT_NE(answer.find("path /hello"), std::string::npos);
  EXPECT_NE(answer.find("Content-Security-Policy: default-src 'self'"), std::string::npos);
  EXPECT_NE(answer.find("X-Content-Type-Options: nosniff"), std::string::npos);
}

TEST_F(HttpServerTest, RefusesAForeignHostName) {
  EXPECT_EQ(get("evil.example").rfind("HTTP/1.1 421", 0), 0u);
  EXPECT_EQ(get("127.0.0.1:1").rfind("HTTP/1.1 421", 0), 0u);
  EXPECT_EQ(get("127.0.0.1.evil.example").rfind("HTTP/1.1 421", 0), 0u);
}

TEST_F(HttpServerTest, RefusesARequestThatAnotherSitesPageMakes) {
  EXPECT_EQ(get(host_, "Sec-Fetch-Site: cross-site\r\n").rfind("HTTP/1.1 403", 0), 0u);
  EXPECT_EQ(get(host_, "Sec-Fetch-Site: same-origin\r\n").rfind("HTTP/1.1 200", 0), 0u);
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  const std::string answer = get(host_, "", "HEAD");
  EXPECT_EQ(answer.rfind("HTTP/1.1 200", 0), 0u) << answer;
  EXPECT_NE(answer.find("Content-Length: 11"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("path /hello"), std::string::npos);
}

TEST_F(HttpServerTest, LimitsHeaderAndBody) {
  EXPECT_EQ(get(host_, "X: " + std::string(20'000, 'a') + "\r\n").rfind("HTTP/1.1 431", 0), 0u);
  EXPECT_EQ(get(host_, "Content-Length: 1000000\r\n", "POST").rfind("HTTP/1.1 413", 0), 0u);
}

TEST_F(HttpServerTest, SurvivesWhatIsNotHttp) {
  EXPECT_EQ(exchange(server_->port(), "\x16\x03\x01 not http\r\n\r\n").rfind("HTTP/1.1 400", 0),
            0u);
  EXPECT_EQ(get(host_).rfind("HTTP/1.1 200", 0), 0u);
}

TEST_F(HttpServerTest, AConnectionBeyondTheLimitTakesThePlaceOfTheOneIdleForLongest) {
  net::io_context context;
  std::vector<net::ip::tcp::socket> held;
  // Each is answered once, so that it is certainly counted, then held open. The pause is for the
  // server, which is idle only after it has seen that the answer was taken.
  for (int i = 0; i < 8; ++i) {
    held.emplace_back(context);
    held.back().connect({net::ip::make_address("127.0.0.1"), server_->port()});
    net::write(held.back(), net::buffer("GET / HTTP/1.1\r\nHost: " + host_ + "\r\n\r\n"));
    std::string answer;
    net::read_until(held.back(), net::dynamic_buffer(answer), "path /");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(get(host_).rfind("HTTP/1.1 200", 0), 0u);
  boost::system::error_code error;
  char byte;
  EXPECT_EQ(net::read(held[0], net::buffer(&byte, 1), error), 0u) << "the first was closed";
  net::write(held[7], net::buffer("GET / HTTP/1.1\r\nHost: " + host_ + "\r\n\r\n"));
  std::string answer;
  net::read_until(held[7], net::dynamic_buffer(answer), "path /");
  EXPECT_EQ(answer.rfind("HTTP/1.1 200", 0), 0u) << "the last was not";
}

TEST(HttpServer, SixtyFourHalfOpenConnectionsLockNobodyOut) {
  auto started = HttpServer::start({}, [](const Request&) {
    return Response{200, "text/plain", "here", {}};
  });
  ASSERT_TRUE(started) << started.error().message;
  const uint16_t port = (*started)->port();
  const std::string request =
      "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\nConnection: close\r\n";
  net::io_context context;
  std::vector<net::ip::tcp::socket> held;
  for (int i = 0; i < 64; ++i) {
    held.emplace_back(context);
    held.back().connect({net::ip::make_address("127.0.0.1"), port});
    // Some say nothing, some half a header.
    if (i % 2 == 0) net::write(held.back(), net::buffer(request + "X: "));
  }
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(web::exchange(port, request + "\r\n").rfind("HTTP/1.1 200", 0), 0u) << i;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(HttpServer, AHandlerThatThrowsCostsOneAnswer) {
  auto started = HttpServer::start({}, [](const Request& asked) -> Response {
    if (asked.path == "/thrown") throw std::out_of_range("the patient's name");
    return Response{200, "text/plain", "here", {}};
  });
  ASSERT_TRUE(started) << started.error().message;
  const uint16_t port = (*started)->port();
  const auto ask = [&](const std::string& path) {
    return web::exchange(port, "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" +
                                   std::to_string(port) + "\r\nConnection: close\r\n\r\n");
  };
  const std::string answer = ask("/thrown");
  EXPECT_EQ(answer.rfind("HTTP/1.1 500", 0), 0u) << answer;
  EXPECT_EQ(answer.find("patient"), std::string::npos) << "what an exception says is not told";
  EXPECT_EQ(ask("/").rfind("HTTP/1.1 200", 0), 0u);
}

TEST_F(HttpServerTest, StopsWhileAConnectionIsIdle) {
  net::io_context context;
  net::ip::tcp::socket socket(context);
  socket.connect({net::ip::make_address("127.0.0.1"), server_->port()});
  net::write(socket, net::buffer("GET / HTTP/1.1\r\nHost: " + host_ + "\r\n\r\n"));
  std::string answer;
  net::read_until(socket, net::dynamic_buffer(answer), "path /");
  server_->stop();
  boost::system::error_code error;
  char byte;
  EXPECT_EQ(net::read(socket, net::buffer(&byte, 1), error), 0u);
  EXPECT_TRUE(error);
}

class SlowClients : public ::testing::Test {
 protected:
  void SetUp() override {
    HttpServer::Options options;
    options.max_connections = 2;
    options.request = options.timeout = milliseconds(200);
    auto started = HttpServer::start(options, [](const Request& request) {
      return Response{
          200, "text/plain", std::string(request.path == "/big" ? 64 << 20 : 5, 'x'), {}};
    });
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
    host_ = "127.0.0.1:" + std::to_string(server_->port());
  }
  net::ip::tcp::socket connect() {
    net::ip::tcp::socket socket(context_);
    socket.connect({net::ip::make_address("127.0.0.1"), server_->port()});
    return socket;
  }
  std::string ask() {
    return exchange(server_->port(),
                    "GET / HTTP/1.1\r\nHost: " + host_ + "\r\nConnection: close\r\n\r\n");
  }
  /// Bytes until the server closes.
  size_t drain(net::ip::tcp::socket& socket) {
    std::string got;
    boost::system::error_code ended;
    return net::read(socket, net::dynamic_buffer(got), ended);
  }
  net::io_context context_;
  std::unique_ptr<HttpServer> server_;
  std::string host_;
};

TEST_F(SlowClients, OneThatNeverEndsItsHeaderIsLetGo) {
  auto first = connect(), second = connect();
  for (auto* socket : {&first, &second})
    net::write(*socket, net::buffer("GET / HTTP/1.1\r\nHost: " + host_ + "\r\nX: "));
  EXPECT_EQ(drain(first), 0u);
  EXPECT_EQ(drain(second), 0u);
  EXPECT_EQ(ask().rfind("HTTP/1.1 200", 0), 0u);  // their places are free again
}

TEST_F(SlowClients, OneThatSaysNothingIsLetGo) {
  auto first = connect();
  EXPECT_EQ(drain(first), 0u);
}

TEST_F(SlowClients, ADripOfBytesDoesNotProlongTheTime) {
  auto socket = connect();
  const auto begin = std::chrono::steady_clock::now();
  boost::system::error_code error;
  for (int i = 0; i < 200 && !error; ++i) {
    net::write(socket, net::buffer("G", 1), error);
    char byte;
    socket.non_blocking(true);
    boost::system::error_code closed;
    socket.read_some(net::buffer(&byte, 1), closed);
    socket.non_blocking(false);
    if (closed && closed != net::error::would_block) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(SlowClients, OneThatDoesNotTakeItsAnswerIsLetGo) {
  auto socket = connect();
  net::write(socket, net::buffer("GET /big HTTP/1.1\r\nHost: " + host_ + "\r\n\r\n"));
  // Reads nothing for longer than the server waits; what it had sent by then is less than the
  // whole.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  std::string answer;
  auto other = connect();
  other.close();
  while (std::chrono::steady_clock::now() < until && answer.rfind("HTTP/1.1 200", 0) != 0)
    answer = ask();
  EXPECT_EQ(answer.rfind("HTTP/1.1 200", 0), 0u);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_LT(drain(socket), size_t{64} << 20);
}

TEST(HttpServer, RefusesAnAddressThatIsNotLoopback) {
  for (const char* address : {"0.0.0.0", "192.168.1.2", "::", "example.org"}) {
    HttpServer::Options options;
    options.address = address;
    auto started = HttpServer::start(options, [](const Request&) { return Response{}; });
    ASSERT_FALSE(started) << address;
    EXPECT_EQ(started.error().code, Code::kInvalidArgument);
    EXPECT_NE(started.error().message.find("loopback"), std::string::npos);
  }
}

TEST(StaticFiles, ServesOnlyPlainNamesInsideItsFolder) {
  const auto base =
      std::filesystem::temp_directory_path() / ("casebox-static-" + std::to_string(::getpid()));
  std::filesystem::create_directories(base / "web");
  std::ofstream(base / "web" / "index.html") << "<p>page";
  std::ofstream(base / "secret.txt") << "secret";
  std::ofstream(base / "web" / ".hidden") << "hidden";
  std::filesystem::create_symlink(base / "secret.txt", base / "web" / "link.txt");
  auto page = static_file(base / "web", "/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(page->body, "<p>page");
  for (const char* path : {"/../secret.txt", "/link.txt", "/.hidden", "//index.html", "/none.html",
                           "/web", "/index.html\n"})
    EXPECT_FALSE(static_file(base / "web", path)) << path;
  std::filesystem::remove_all(base);
}

}  // namespace
}  // namespace casebox::tools::web
