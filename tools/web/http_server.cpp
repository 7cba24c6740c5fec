#include "tools/web/http_server.h"

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "proto/base/guard.h"

namespace casebox::tools::web {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;

constexpr const char* kPolicy =
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'";
constexpr auto kStuck = std::chrono::seconds(2);  // a client that has not taken its answer by then

class Session;

}  // namespace

struct HttpServer::Impl {
  explicit Impl(Options o, Handler h)
      : options(std::move(o)),
        handler(std::move(h)),
        acceptor(net::make_strand(context)),
        again(acceptor.get_executor()) {}

  void accept();
  void take(tcp::socket socket);
  bool make_room();
  void serve();
  void add(uint64_t id, std::weak_ptr<Session> session);
  void remove(uint64_t id);

  Options options;
  Handler handler;
  net::io_context context;
  tcp::acceptor acceptor;
  net::steady_timer again;  // before accepting anew after a failure
  uint16_t port = 0;
  std::vector<std::jthread> threads;
  std::mutex mutex;
  std::condition_variable changed;
  std::unordered_map<uint64_t, std::weak_ptr<Session>> sessions;
  uint64_t next_id = 0;
  std::atomic<bool> stopping = false;
};

namespace {

/// One connection: reads a request, writes its response, again until either side ends it. All of
/// its handlers run on one strand.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const HttpServer::Options& options,
          const HttpServer::Handler& handler, uint16_t port, std::atomic<bool>& stopping,
          std::function<void()> ended)
      : stream_(std::move(socket)),
        options_(options),
        handler_(handler),
        port_(port),
        stopping_(stopping),
        ended_(std::move(ended)) {}
  ~Session() { ended_(); }

  enum class State { kReading, kAnswering, kWriting };
  using Now = std::chrono::steady_clock;

  State state() const { return state_.load(); }
  /// Since when it is in that state.
  Now::duration since() const { return Now::duration(since_.load()); }
  bool leaving() const { return leaving_.load(); }

  /// Ends an idle connection; one that is answering ends after its response.
  void finish() {
    net::post(stream_.get_executor(), [self = shared_from_this()] {
      if (self->state() == State::kReading) self->close();
    });
  }

  /// Makes its place free; one that began to answer meanwhile ends after its response.
  void give_up() {
    leaving_ = true;
    net::post(stream_.get_executor(), [self = shared_from_this()] {
      if (self->state() != State::kAnswering) self->close();
    });
  }

  void start() {
    net::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->read(true); });
  }

 private:
  void enter(State state) {
    state_ = state;
    since_ = Now::now().time_since_epoch().count();
  }

  void expire(Duration after) { stream_.expires_after(std::chrono::nanoseconds(after.ns)); }

  /// Waits for a request: of a new connection, until it is whole; later, first for its first byte.
  void read(bool first) {
    enter(State::kReading);
    if (stopping_ || leaving_) return close();
    parser_.emplace();
    parser_->header_limit(options_.max_header_bytes);
    parser_->body_limit(options_.max_body_bytes);
    if (first || buffer_.size() > 0) return read_request();
    expire(options_.timeout);
    stream_.async_read_some(buffer_.prepare(4096),
                            [self = shared_from_this()](beast::error_code error, size_t size) {
                              if (error) return self->close();
                              self->buffer_.commit(size);
                              self->read_request();
                            });
  }

  void read_request() {
    expire(options_.request);
    http::async_read(stream_, buffer_, *parser_,
                     beast::bind_front_handler(&Session::on_read, shared_from_this()));
  }

  void on_read(beast::error_code error, size_t) {
    enter(State::kAnswering);
    if (error == http::error::header_limit)
      return send(error_response(431, "header", "the request's header is too large"), false, false);
    if (error == http::error::body_limit)
      return send(error_response(413, "body", "the request's body is too large"), false, false);
    if (error == http::error::end_of_stream ||
        error.category() != http::make_error_code(http::error::bad_method).category()) {
      if (error) return close();
    }
    if (error)
      return send(error_response(400, "http", "this is not an HTTP request"), false, false);
    const auto& request = parser_->get();
    const bool head = request.method() == http::verb::head;
    const bool keep = request.keep_alive() && !stopping_ && !leaving_;
    send(answer(request), head, keep);
  }

  Response answer(const http::request<http::string_body>& request) {
    const auto text = [&](http::field field) {
      const auto value = request[field];
      return std::string_view(value.data(), value.size());
    };
    if (!is_own_host(text(http::field::host), port_))
      return error_response(421, "host", "this server answers to its loopback address only");
    const auto site = request["Sec-Fetch-Site"];
    if (site == "cross-site" || site == "same-site")
      return error_response(403, "origin", "another site's page may not ask here");
    const auto method = request.method_string();
    const auto target = request.target();
    auto parsed = parse_target({method.data(), method.size()}, {target.data(), target.size()});
    if (!parsed) return error_response(parsed.error());
    const Result<Response> answered =
        guarded("request", [&] { return Result<Response>(handler_(*parsed)); });
    return answered ? *answered : error_response(answered.error());
  }

  void send(Response response, bool head, bool keep) {
    auto message = std::make_shared<http::response<http::string_body>>(
        static_cast<http::status>(response.status), 11);
    message->set(http::field::content_type, response.content_type);
    message->set(http::field::cache_control, "no-store");
    message->set("Content-Security-Policy", kPolicy);
    message->set("X-Content-Type-Options", "nosniff");
    message->set("Referrer-Policy", "no-referrer");
    message->set("Cross-Origin-Opener-Policy", "same-origin");
    message->set("Cross-Origin-Resource-Policy", "same-origin");
    for (const auto& [name, value] : response.headers) message->set(name, value);
    message->content_length(response.body.size());
    if (!head) message->body() = std::move(response.body);
    message->keep_alive(keep);
    enter(State::kWriting);
    expire(options_.timeout);
    auto written = [self = shared_from_this(), message, keep](beast::error_code error, size_t) {
      if (error || !keep) return self->close();
      self->read(false);
    };
    if (!head) return http::async_write(stream_, *message, std::move(written));
    auto serializer = std::make_shared<http::response_serializer<http::string_body>>(*message);
    http::async_write_header(
        stream_, *serializer,
        [serializer, written](beast::error_code error, size_t n) mutable { written(error, n); });
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{256 << 10};
  std::optional<http::request_parser<http::string_body>> parser_;
  const HttpServer::Options& options_;
  const HttpServer::Handler& handler_;
  const uint16_t port_;
  std::atomic<bool>& stopping_;
  std::function<void()> ended_;
  std::atomic<State> state_ = State::kReading;
  std::atomic<Now::rep> since_ = Now::now().time_since_epoch().count();
  std::atomic<bool> leaving_ = false;
};

}  // namespace

void HttpServer::Impl::add(uint64_t id, std::weak_ptr<Session> session) {
  std::lock_guard lock(mutex);
  sessions[id] = std::move(session);
}

void HttpServer::Impl::remove(uint64_t id) {
  std::lock_guard lock(mutex);
  sessions.erase(id);
  changed.notify_all();
}

bool HttpServer::Impl::make_room() {
  std::vector<std::shared_ptr<Session>> open;  // let go of without the lock: a session takes it
  {
    std::lock_guard lock(mutex);
    for (auto& [id, weak] : sessions)
      if (auto session = weak.lock(); session && !session->leaving())
        open.push_back(std::move(session));
  }
  if (open.size() < options.max_connections) return true;
  const auto late = Session::Now::now().time_since_epoch() - kStuck;
  Session* oldest = nullptr;
  const auto older = [&](const Session& one) {
    if (oldest == nullptr || oldest->state() != one.state())
      return oldest == nullptr || one.state() == Session::State::kReading;
    return one.since() < oldest->since();
  };
  for (const auto& session : open) {
    const auto state = session->state();
    const bool may_go = state == Session::State::kReading ||
                        (state == Session::State::kWriting && session->since() < late);
    if (may_go && older(*session)) oldest = session.get();
  }
  if (oldest != nullptr) oldest->give_up();
  return oldest != nullptr;
}

void HttpServer::Impl::take(tcp::socket socket) {
  if (!make_room()) return;
  const uint64_t id = next_id++;
  auto session = std::make_shared<Session>(std::move(socket), options, handler, port, stopping,
                                           [this, id] { remove(id); });
  add(id, session);
  session->start();
}

void HttpServer::Impl::accept() {
  acceptor.async_accept(net::make_strand(context),
                        [this](beast::error_code error, tcp::socket socket) {
                          if (stopping || error == net::error::operation_aborted) return;
                          if (!error) {
                            take(std::move(socket));
                            return accept();
                          }
                          // No descriptor left, for one: at once again would only spin.
                          again.expires_after(std::chrono::milliseconds(50));
                          again.async_wait([this](beast::error_code ended) {
                            if (!ended && !stopping) accept();
                          });
                        });
}

void HttpServer::Impl::serve() {
  while (!context.stopped()) {
    // What a handler of the library lets through ends its connection, not the server.
    const auto done = guarded("server", [this]() -> Result<void> {
      context.run();
      return ok();
    });
    if (done) return;
  }
}

HttpServer::HttpServer() = default;
HttpServer::~HttpServer() { stop(); }
uint16_t HttpServer::port() const { return impl_->port; }

Result<std::unique_ptr<HttpServer>> HttpServer::start(Options options, Handler handler) {
  beast::error_code error;
  const std::string text = options.address == "localhost" ? "127.0.0.1" : options.address;
  const auto address = net::ip::make_address(text, error);
  if (error || !address.is_loopback())
    return Error{Code::kInvalidArgument,
                 options.address +
                     ": not a loopback address, and there is no login yet that could "
                     "protect another; use 127.0.0.1"};
  std::unique_ptr<HttpServer> server(new HttpServer());
  server->impl_ = std::make_unique<Impl>(std::move(options), std::move(handler));
  Impl& impl = *server->impl_;
  const tcp::endpoint endpoint(address, impl.options.port);
  impl.acceptor.open(endpoint.protocol(), error);
  if (!error) impl.acceptor.set_option(net::socket_base::reuse_address(true), error);
  if (!error) impl.acceptor.bind(endpoint, error);
  if (!error) impl.acceptor.listen(net::socket_base::max_listen_connections, error);
  if (error)
    return Error{Code::kIo, impl.options.address + ":" + std::to_string(impl.options.port) + ": " +
                                error.message() + "; choose another --port"};
  impl.port = impl.acceptor.local_endpoint().port();
  impl.accept();
  for (unsigned i = 0; i < std::max(1u, impl.options.threads); ++i)
    impl.threads.emplace_back([&impl] { impl.serve(); });
  return server;
}

void HttpServer::stop() {
  if (!impl_ || impl_->stopping.exchange(true)) return;
  Impl& impl = *impl_;
  net::post(impl.acceptor.get_executor(), [&impl] {
    beast::error_code ignored;
    impl.acceptor.close(ignored);
    impl.again.cancel();
  });
  std::vector<std::shared_ptr<Session>> open;
  {
    std::lock_guard lock(impl.mutex);
    for (auto& [id, weak] : impl.sessions)
      if (auto session = weak.lock()) open.push_back(std::move(session));
  }
  for (auto& session : open) session->finish();
  open.clear();
  {
    std::unique_lock lock(impl.mutex);
    impl.changed.wait_for(lock, std::chrono::seconds(3), [&impl] { return impl.sessions.empty(); });
  }
  impl.context.stop();
  impl.threads.clear();
}

bool is_own_host(std::string_view host, uint16_t port) {
  const std::string suffix = ":" + std::to_string(port);
  for (const std::string name : {"127.0.0.1", "localhost", "[::1]"})
    if (host == name + suffix || (host == name && port == 80)) return true;
  return false;
}

}  // namespace casebox::tools::web
