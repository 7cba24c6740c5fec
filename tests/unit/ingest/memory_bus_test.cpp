#include "ingest/bus/memory_bus.h"

#include "tests/unit/ingest/bus_contract.h"

namespace casebox::bus::test {
namespace {

class MemoryBench final : public Bench {
 public:
  Publisher& publisher() override { return *publisher_; }
  std::unique_ptr<Subscriber> subscriber() override { return bus_.subscriber(); }
  void set_away(bool away) override { bus_.set_available(!away); }

 private:
  MemoryBus bus_;
  std::unique_ptr<Publisher> publisher_ = bus_.publisher();
};

const Kind kMemory{"Memory",
                   []() -> std::unique_ptr<Bench> { return std::make_unique<MemoryBench>(); }};

INSTANTIATE_TEST_SUITE_P(, BusContract, testing::Values(kMemory), name_of);
INSTANTIATE_TEST_SUITE_P(, BrokerContract, testing::Values(kMemory), name_of);

}  // namespace
}  // namespace casebox::bus::test
