/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/host_pace.h"

/* A measurement: at least so much time and so many works. */
#define MEASURE_NS    UINT64_C(6000000)
#define MEASURE_WORKS 3u
/* A trial takes longer, so that luck does not win it: so many works, or so much time. It ends early
 * if it is so much slower. */
#define TRIAL_NS      UINT64_C(20000000)
#define TRIAL_WORKS   6u
#define TRIAL_MOST_NS UINT64_C(80000000)
#define HOPELESS      1.5
#define REST_LEAST_NS UINT64_C(30000000)
#define REST_MOST_NS  UINT64_C(4000000000)
/* The longest while the best one is slow. */
#define REST_SLOW_NS UINT64_C(1000000000)
#define WEIGHT       0.3
/* How much faster the other way must be, and how much slower the best must have become. */
#define FASTER 0.92
#define SLOWER 1.4
/* The best of late is forgotten slowly. */
#define FORGET 1.005

static void pace_measure_begin(aver_host_pace *pace, bool trial)
{
    pace->trial = trial;
    pace->works = 0;
    pace->works_units = 0.0;
    pace->works_ns = 0;
}

uint32_t aver_host_pace_choose(aver_host_pace *pace, uint32_t units, uint64_t dear_ns,
                               uint64_t now_ns)
{
    const aver_host_way *best = &pace->ways[pace->best];
    bool dear = pace->best == 0 && !pace->slow && best->unit_ns * units > (double)dear_ns;
    uint64_t rest_ns = pace->slow && pace->rest_ns > REST_SLOW_NS ? REST_SLOW_NS : pace->rest_ns;
    bool by_clock = pace->slow || pace->best == 1;
    uint64_t passed_ns = by_clock ? now_ns - pace->rested_ns : pace->worked_ns;
    bool rested = passed_ns >= rest_ns;
    if (!pace->trial && best->unit_ns > 0.0 && !dear && rested) {
        pace_measure_begin(pace, true);
    }
    return pace->trial ? 1 - pace->best : pace->best;
}

static void pace_rest(aver_host_pace *pace, uint64_t rest_ns, uint64_t now_ns)
{
    pace->rested_ns = now_ns;
    pace->worked_ns = 0;
    pace->rest_ns = rest_ns < REST_LEAST_NS  ? REST_LEAST_NS
                    : rest_ns > REST_MOST_NS ? REST_MOST_NS
                                             : rest_ns;
}

static void pace_trial_end(aver_host_pace *pace, double unit_ns, uint64_t now_ns)
{
    aver_host_way *other = &pace->ways[1 - pace->best];
    other->unit_ns = unit_ns;
    other->least_ns =
        other->least_ns <= 0.0 || unit_ns < other->least_ns ? unit_ns : other->least_ns;
    if (unit_ns < FASTER * pace->ways[pace->best].unit_ns) {
        pace->best = 1 - pace->best;
        pace->slow = false;
        /* It may have been luck: soon the one left is measured again. */
        pace_rest(pace, 0, now_ns);
    } else {
        pace_rest(pace, pace->rest_ns * 2, now_ns);
    }
}

static void pace_best_measured(aver_host_pace *pace, double unit_ns)
{
    aver_host_way *best = &pace->ways[pace->best];
    bool first = best->unit_ns <= 0.0;
    best->unit_ns = first ? unit_ns : best->unit_ns + (unit_ns - best->unit_ns) * WEIGHT;
    best->least_ns *= FORGET;
    best->least_ns = first || unit_ns < best->least_ns ? unit_ns : best->least_ns;
    pace->slow = best->unit_ns > SLOWER * best->least_ns;
}

void aver_host_pace_learn(aver_host_pace *pace, uint32_t units, uint64_t work_ns, uint64_t now_ns)
{
    pace->works++;
    pace->works_units += units;
    pace->works_ns += work_ns;
    double unit_ns = (double)pace->works_ns / pace->works_units;
    bool enough = pace->works >= MEASURE_WORKS && pace->works_ns >= MEASURE_NS;
    if (!pace->trial) {
        pace->worked_ns += work_ns;
        if (enough) {
            pace_best_measured(pace, unit_ns);
            pace_measure_begin(pace, false);
        }
        return;
    }
    bool hopeless =
        pace->works_ns >= MEASURE_NS && unit_ns > HOPELESS * pace->ways[pace->best].unit_ns;
    bool proven = (pace->works >= TRIAL_WORKS && pace->works_ns >= TRIAL_NS) ||
                  pace->works_ns >= TRIAL_MOST_NS;
    if (hopeless || proven) {
        pace_trial_end(pace, unit_ns, now_ns);
        pace_measure_begin(pace, false);
    }
}
