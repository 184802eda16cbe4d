"""When a task whose process died is started again."""

from headwater.worker.supervisor import LONGEST_DELAY_SECONDS, STEADY_SECONDS, Backoff


def test_the_delay_doubles_with_each_death_in_a_row_up_to_a_limit():
    backoff = Backoff()
    delays = [backoff.delay(0) for _ in range(50)]
    assert delays[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(delays[7:]) == {LONGEST_DELAY_SECONDS}


def test_a_task_that_ran_well_is_started_again_soon():
    backoff = Backoff()
    assert [backoff.delay(STEADY_SECONDS - 1) for _ in range(3)] == [1, 2, 4]
    assert [backoff.delay(ran) for ran in (STEADY_SECONDS, 0)] == [1, 2]
