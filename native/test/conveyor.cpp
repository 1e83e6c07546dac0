// Submissions put from one thread, taken through a ledger on another, with helpers in between.
#include "binding/conveyor.h"

#include <atomic>
#include <condition_variable>
#include <thread>

#include "ledger-fixture.h"

namespace kudurru {
namespace {

using binding::Conveyor;
using binding::ConveyorOptions;

// Accepts what ends in an even byte.
class EvenKey final : public PublicKey {
 public:
  EvenKey() : PublicKey(Algorithm::kEd25519) {}
  bool verify(Bytes, Bytes signature) const override { return signature.back() % 2 == 0; }
};

// The ledger's thread: runs the conveyor once for each call, until it is ended.
class LedgerLoop {
 public:
  explicit LedgerLoop(Ledger* ledger)
      : conveyor_([this] { call(); }), ledger_(ledger), thread_([this] { loop(); }) {}
  ~LedgerLoop() {
    {
      const std::lock_guard lock(mutex_);
      isEnding_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  Conveyor& conveyor() { return conveyor_; }
  // While false, calls wait.
  void go(bool goes) {
    {
      const std::lock_guard lock(mutex_);
      goes_ = goes;
    }
    wake_.notify_one();
  }

 private:
  void call() {
    {
      const std::lock_guard lock(mutex_);
      ++calls_;
    }
    wake_.notify_one();
  }

  void loop() {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return isEnding_ || (goes_ && calls_ != 0); });
        if (isEnding_) return;
        --calls_;
      }
      conveyor_.run(ledger_, [] {});
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  Conveyor conveyor_;
  Ledger* const ledger_;
  int calls_ = 0;
  bool goes_ = true;
  bool isEnding_ = false;
  std::thread thread_;
};

class ConveyorTest : public test::LedgerTest {
 protected:
  // Begins the ledger, its thread, and the helpers.
  void begin(unsigned helpers, size_t itemsMax = 1024) {
    ASSERT_EQ(start().message, "");
    loop_ = std::make_unique<LedgerLoop>(ledger_.get());
    Hash key;
    conveyor().useScopeKey("default", key);
    key.fill(9);
    conveyor().useScopeKey("default", key);
    ConveyorOptions options;
    options.helpers = helpers;
    options.leapSteps = {{0, 10}, {1'000, 37}, {1'000'000, 38}};
    options.itemsMax = itemsMax;
    const auto answer = [this](intake::Batch&& batch) {
      const std::lock_guard lock(mutex_);
      for (intake::SubmitItem& item : batch.items) answered_.push_back(std::move(item));
      ++groups_;
      changed_.notify_one();
    };
    const auto wake = [this] {
      const std::lock_guard lock(mutex_);
      ++wakes_;
      changed_.notify_one();
    };
    const auto fail = [this](const Status& status) {
      const std::lock_guard lock(mutex_);
      failed_ = status;
      changed_.notify_one();
    };
    conveyor().connect(options, {answer, wake, fail});
  }

  void TearDown() override {
    if (loop_) conveyor().disconnect();
    loop_.reset();
  }

  Conveyor& conveyor() { return loop_->conveyor(); }

  std::vector<intake::SubmitItem> items(size_t count, size_t bodyBytes = 64) {
    std::vector<intake::SubmitItem> made;
    for (size_t i = 0; i < count; ++i) {
      made.push_back(test::itemOf(agent_.submit(2, bodyBytes)));
      made.back().key = key_;
      made.back().firstSequence = made.back().parsed.statement.firstSequence;
    }
    return made;
  }

  template <class IsSo>
  void until(IsSo isSo) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, isSo);
  }

  std::unique_ptr<LedgerLoop> loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<intake::SubmitItem> answered_;
  size_t groups_ = 0;
  size_t wakes_ = 0;
  std::optional<Status> failed_;
  std::shared_ptr<const intake::SessionKey> key_ = [] {
    auto key = std::make_shared<intake::SessionKey>();
    key->key = std::make_shared<EvenKey>();
    return key;
  }();
};

// The signatures of the fixture end in 9: with this they are as they should be.
void makeEven(std::vector<intake::SubmitItem>& items) {
  for (intake::SubmitItem& item : items) {
    Bytes& signature = item.parsed.statement.signature;
    static const std::array<uint8_t, 64> even{};
    signature = even;
  }
}

TEST_F(ConveyorTest, AnswersAllInTheirOrder) {
  constexpr size_t kPuts = 60;
  segmentBytes_ = 4 << 20;
  begin(2);
  size_t put = 0;
  for (size_t i = 0; i < kPuts; ++i) {
    std::vector<intake::SubmitItem> made = items(1 + i % 5, 100 + i);
    makeEven(made);
    put += made.size();
    ASSERT_TRUE(conveyor().hasRoom());
    ASSERT_TRUE(conveyor().hasKeys(made));
    conveyor().put(std::move(made));
  }
  until([&] { return answered_.size() == put; });
  uint64_t next = 0;
  for (const intake::SubmitItem& item : answered_) {
    ASSERT_FALSE(item.refusal) << item.refusal.message;
    EXPECT_EQ(item.firstSequence, next);
    EXPECT_GE(item.receipt.treeSize, item.receipt.firstIndex + 3);
    next += 2;
  }
  const SessionState session = ledger_->state().openSessions().front();
  EXPECT_EQ(session.nextSequence, 2 * put);
  EXPECT_EQ(check().first(), "");
}

TEST_F(ConveyorTest, GathersWhileTheLedgerIsBusyAndRefusesABadSignature) {
  begin(1, 4);
  loop_->go(false);
  std::vector<intake::SubmitItem> good = items(3);
  makeEven(good);
  conveyor().put(std::move(good));
  EXPECT_TRUE(conveyor().hasRoom());
  conveyor().put(items(1));
  EXPECT_FALSE(conveyor().hasRoom());
  loop_->go(true);
  until([&] { return answered_.size() == 4 && wakes_ == 1; });
  EXPECT_EQ(groups_, 1u);
  EXPECT_FALSE(answered_[2].refusal);
  ASSERT_TRUE(answered_[3].refusal);
  EXPECT_STREQ(answered_[3].refusal.code, "signature-invalid");
  EXPECT_TRUE(conveyor().hasRoom());
}

TEST_F(ConveyorTest, KnowsTheScopesThatHaveAKey) {
  begin(0);
  std::vector<intake::SubmitItem> made = items(1);
  EXPECT_TRUE(conveyor().hasKeys(made));
  made[0].parsed.bodies[0].scope = "other";
  EXPECT_FALSE(conveyor().hasKeys(made));
  made[0].refusal = {"signature-invalid", "", intake::Retry::kNever};
  EXPECT_TRUE(conveyor().hasKeys(made));
}

TEST_F(ConveyorTest, NeedsNoKeyAndSealsNothingOfWhatIsARepeatOrRefused) {
  begin(1);
  std::vector<intake::SubmitItem> made = items(2);
  makeEven(made);
  made[0].parsed.bodies[0].scope = "other";
  for (intake::SubmitItem& item : made) {
    item.unlessRepeated = {"disk-low", "little room", intake::Retry::kLater};
  }
  EXPECT_TRUE(conveyor().hasKeys(made));
  conveyor().put(std::move(made));
  until([&] { return answered_.size() == 2; });
  for (const intake::SubmitItem& item : answered_) {
    EXPECT_STREQ(item.refusal.code, "disk-low");
    EXPECT_TRUE(item.sealed.empty());
  }
}

TEST_F(ConveyorTest, TellsOfALedgerThatHasEndedAndAnswersNobody) {
  begin(1);
  disk_.fault = test::SimulatedDisk::Fault::kError;
  disk_.faultAt = disk_.operation + 2;  // the write, then the sync
  std::vector<intake::SubmitItem> made = items(2);
  makeEven(made);
  conveyor().put(std::move(made));
  until([&] { return failed_.has_value(); });
  EXPECT_EQ(failed_->code, Code::kIoFailed);
  EXPECT_TRUE(answered_.empty());
}

}  // namespace
}  // namespace kudurru
