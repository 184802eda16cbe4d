"""The table of producer options knows every option of Kafka's Java producer."""

import subprocess
from pathlib import Path

from headwater.sinks.kafka.options import PRODUCER_OPTIONS
from tests.conformance import reference

SOURCE = Path(__file__).with_name("ProducerOptions.java")


def test_every_option_of_the_java_producer_is_translated_or_refused():
    command = ["java", "-cp", f"{reference.jars()}/*", str(SOURCE)]
    names = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert len(names) > 50
    assert set(names) - set(PRODUCER_OPTIONS) == set()
