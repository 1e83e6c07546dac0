// Clock devices as a kernel without one cannot show them: the system calls are answered here.
#include <gtest/gtest.h>
#include <linux/pps.h>
#include <linux/ptp_clock.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "core/clock/bracket.h"
#include "core/clock/phc.h"
#include "core/clock/pps.h"
#include "core/clock/set-watch.h"

namespace kudurru::clock {
namespace {

// A card whose driver answers some requests, each with its own errno or times.
struct Card {
  std::map<unsigned long, int> errors;  // 0: answers
  bool takesClockId = false;            // Linux 6.12
  std::vector<unsigned long> asked{};
  int opened = 0;
  int closed = 0;
  int interruptions = 0;

  DeviceCalls calls() {
    return {
        [this](const char* path) {
          ++opened;
          if (std::string(path) == "/dev/ptp0") return 7;
          errno = ENOENT;
          return -1;
        },
        [this](int fd, unsigned long request, void* argument) {
          EXPECT_EQ(fd, 7);
          if (interruptions > 0) {
            --interruptions;
            errno = EINTR;
            return -1;
          }
          return answer(request, argument);
        },
        [this](int fd) {
          EXPECT_EQ(fd, 7);
          ++closed;
        },
    };
  }

  int answer(unsigned long request, void* argument) {
    asked.push_back(request);
    const auto found = errors.find(request);
    errno = found == errors.end() ? EOPNOTSUPP : found->second;
    if (errno != 0) return -1;
    if (request == PTP_SYS_OFFSET_PRECISE) {
      auto* precise = static_cast<ptp_sys_offset_precise*>(argument);
      precise->device = {1'800'000'037, 5, 0};
      precise->sys_realtime = {1'800'000'000, 1, 0};
      precise->sys_monoraw = {77, 9, 0};
    } else if (request == PTP_SYS_OFFSET_EXTENDED) {
      return extended(static_cast<ptp_sys_offset_extended*>(argument));
    } else if (request == PTP_SYS_OFFSET) {
      plain(static_cast<ptp_sys_offset*>(argument));
    }
    return 0;
  }

  // The second sample is the narrowest.
  int extended(ptp_sys_offset_extended* request) {
    int32_t id = 0;
    std::memcpy(&id, reinterpret_cast<uint8_t*>(request) + sizeof request->n_samples, sizeof id);
    if (id != 0 && !takesClockId) {
      errno = EINVAL;
      return -1;
    }
    const int64_t base = id == 0 ? 1'800'000'000 : 77;
    for (uint32_t i = 0; i < request->n_samples; ++i) {
      const uint32_t at = 1000 * i;
      request->ts[i][0] = {base, at, 0};
      request->ts[i][1] = {1'800'000'037, at + 50, 0};
      request->ts[i][2] = {base, at + (i == 1 ? 60 : 400), 0};
    }
    return 0;
  }

  void plain(ptp_sys_offset* request) {
    for (uint32_t i = 0; i <= request->n_samples; ++i) {
      const uint32_t at = i < 2 ? 1000 * i : 1100 + 3000 * i;  // close only from 0 to 1
      request->ts[2 * i] = {1'800'000'000, at, 0};
      if (i < request->n_samples) request->ts[2 * i + 1] = {1'800'000'037, at + 500, 0};
    }
  }
};

TEST(Phc, TakesTheHardwaresOwnStampFirst) {
  Card card{{{PTP_SYS_OFFSET_PRECISE, 0}, {PTP_SYS_OFFSET_EXTENDED, 0}, {PTP_SYS_OFFSET, 0}}};
  PhcReading reading{};
  ASSERT_EQ(readPhc(card.calls(), "/dev/ptp0", 5, &reading), 0);
  EXPECT_EQ(reading.rung, PhcRung::kPrecise);
  EXPECT_EQ(reading.systemClock, SystemClock::kMonotonicRaw);
  EXPECT_EQ(reading.systemBeforeNs, 77'000'000'009);
  EXPECT_EQ(reading.systemAfterNs, 77'000'000'009);
  EXPECT_EQ(reading.phcNs, 1'800'000'037'000'000'005);
  EXPECT_LE(reading.rawBeforeNs, reading.rawAfterNs);
  EXPECT_EQ(card.asked.size(), 1u);
  EXPECT_EQ(card.closed, 1);
}

TEST(Phc, TakesTheNarrowestOfExtendedSamplesAgainstTheRawClock) {
  Card card{{{PTP_SYS_OFFSET_EXTENDED, 0}, {PTP_SYS_OFFSET, 0}}};
  card.takesClockId = true;
  PhcReading reading{};
  ASSERT_EQ(readPhc(card.calls(), "/dev/ptp0", 5, &reading), 0);
  EXPECT_EQ(reading.rung, PhcRung::kExtended);
  EXPECT_EQ(reading.systemClock, SystemClock::kMonotonicRaw);
  EXPECT_EQ(reading.systemBeforeNs, 77'000'001'000);
  EXPECT_EQ(reading.phcNs, 1'800'000'037'000'001'050);
  EXPECT_EQ(reading.systemAfterNs, 77'000'001'060);
}

TEST(Phc, AsksAnOlderKernelForTheRealtimeClock) {
  Card card{{{PTP_SYS_OFFSET_EXTENDED, 0}, {PTP_SYS_OFFSET, 0}}};
  PhcReading reading{};
  ASSERT_EQ(readPhc(card.calls(), "/dev/ptp0", 5, &reading), 0);
  EXPECT_EQ(reading.rung, PhcRung::kExtended);
  EXPECT_EQ(reading.systemClock, SystemClock::kRealtime);
  EXPECT_EQ(reading.systemBeforeNs, 1'800'000'000'000'001'000);
}

TEST(Phc, FallsToThePlainCallWhereTheDriverHasNoOther) {
  Card card{{{PTP_SYS_OFFSET, 0}}};
  PhcReading reading{};
  ASSERT_EQ(readPhc(card.calls(), "/dev/ptp0", 5, &reading), 0);
  EXPECT_EQ(reading.rung, PhcRung::kPlain);
  EXPECT_EQ(reading.systemClock, SystemClock::kRealtime);
  EXPECT_EQ(reading.systemBeforeNs, 1'800'000'000'000'000'000);
  EXPECT_EQ(reading.phcNs, 1'800'000'037'000'000'500);
  EXPECT_EQ(reading.systemAfterNs, 1'800'000'000'000'001'000);
}

TEST(Phc, SaysWhatIsWrongAndTakesNoWorseRungForIt) {
  Card broken{{{PTP_SYS_OFFSET_PRECISE, EIO}, {PTP_SYS_OFFSET, 0}}};
  PhcReading reading{};
  EXPECT_EQ(readPhc(broken.calls(), "/dev/ptp0", 5, &reading), EIO);
  EXPECT_EQ(broken.asked.size(), 1u);
  EXPECT_EQ(broken.closed, 1);
  Card other;
  EXPECT_EQ(readPhc(other.calls(), "/dev/ptp0", 5, &reading), EOPNOTSUPP);
  EXPECT_EQ(readPhc(other.calls(), "/dev/ptp9", 5, &reading), ENOENT);
  EXPECT_EQ(other.closed, 1);
}

TEST(Phc, MakesAnInterruptedCallAgain) {
  Card card{{{PTP_SYS_OFFSET_PRECISE, 0}}};
  card.interruptions = 3;
  PhcReading reading{};
  EXPECT_EQ(readPhc(card.calls(), "/dev/ptp0", 5, &reading), 0);
}

TEST(Phc, IsNotReadFromAFileThatIsNoClock) {
  PhcReading reading{};
  EXPECT_EQ(readPhc(kernelDeviceCalls(), "/dev/null", 5, &reading), ENOTTY);
  EXPECT_EQ(readPhc(kernelDeviceCalls(), "/nonexistent/ptp0", 5, &reading), ENOENT);
}

TEST(Pulse, TellsTheLastEdgesAndRelatesThemToTheRawClock) {
  const DeviceCalls calls{
      [](const char*) { return 3; },
      [](int, unsigned long request, void* argument) {
        EXPECT_EQ(request, static_cast<unsigned long>(PPS_FETCH));
        auto* fetch = static_cast<pps_fdata*>(argument);
        EXPECT_EQ(fetch->timeout.sec, 0);
        EXPECT_EQ(fetch->timeout.flags, 0u);
        fetch->info.assert_sequence = 41;
        fetch->info.clear_sequence = 40;
        fetch->info.assert_tu = {1'800'000'000, 120, 0};
        fetch->info.clear_tu = {1'799'999'999, 100'000'000, 0};
        return 0;
      },
      [](int) {},
  };
  PulseReading reading{};
  ASSERT_EQ(readPulse(calls, "/dev/pps0", &reading), 0);
  EXPECT_EQ(reading.assertSequence, 41u);
  EXPECT_EQ(reading.assertRealtimeNs, 1'800'000'000'000'000'120);
  EXPECT_EQ(reading.clearSequence, 40u);
  EXPECT_EQ(reading.clearRealtimeNs, 1'799'999'999'100'000'000);
  EXPECT_LE(reading.realtime.rawBeforeNs, reading.realtime.rawAfterNs);
  EXPECT_EQ(readPulse(kernelDeviceCalls(), "/dev/null", &reading), ENOTTY);
}

TEST(Bracket, HoldsEachClockBetweenTwoReadsOfTheRawOne) {
  for (const clockid_t id : {CLOCK_TAI, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC}) {
    const int64_t before = nanosecondsOf(CLOCK_MONOTONIC_RAW);
    const Bracket bracket = readBracket(id, 5);
    EXPECT_LE(before, bracket.rawBeforeNs);
    EXPECT_LE(bracket.rawBeforeNs, bracket.rawAfterNs);
    EXPECT_LE(bracket.rawAfterNs, nanosecondsOf(CLOCK_MONOTONIC_RAW));
    EXPECT_GT(bracket.valueNs, 0);
  }
}

// A timer on a clock that somebody sets, or that has other news.
struct Timer {
  std::vector<int> news;  // errno of each read; 0 expires
  size_t reads = 0;
  int arms = 0;
  int armError = 0;
  bool closed = false;

  TimerCalls calls() {
    return {
        [] { return 5; },
        [this](int) {
          ++arms;
          errno = armError;
          return armError == 0 ? 0 : -1;
        },
        [this](int) {
          errno = news.at(reads++);
          return errno == 0 ? 8 : -1;
        },
        [this](int) { closed = true; },
    };
  }
};

TEST(SetWatch, TellsOfEachSetAndGoesOnWatching) {
  Timer timer{{ECANCELED, EAGAIN, EINTR, 0, ECANCELED}};
  const TimerCalls calls = timer.calls();
  {
    SetWatch watch(calls);
    EXPECT_EQ(watch.error(), 0);
    EXPECT_EQ(watch.fd(), 5);
    using enum SetWatch::News;
    for (const SetWatch::News expected : {kSet, kNone, kNone, kSet, kSet}) {
      EXPECT_EQ(watch.step(), expected);
    }
    EXPECT_EQ(timer.arms, 4);
  }
  EXPECT_TRUE(timer.closed);
}

TEST(SetWatch, SaysWhenItWatchesNoLonger) {
  Timer timer{{EIO}};
  const TimerCalls calls = timer.calls();
  SetWatch watch(calls);
  EXPECT_EQ(watch.step(), SetWatch::News::kFailed);
  EXPECT_EQ(watch.error(), EIO);
  Timer unarmed{{}};
  unarmed.armError = EINVAL;
  const TimerCalls refusing = unarmed.calls();
  EXPECT_EQ(SetWatch(refusing).error(), EINVAL);
}

TEST(SetWatch, IsArmedByTheKernelAndHasNoNewsOfAClockThatNobodySets) {
  SetWatch watch(kernelTimerCalls());
  EXPECT_EQ(watch.error(), 0);
  EXPECT_GE(watch.fd(), 0);
}

}  // namespace
}  // namespace kudurru::clock
