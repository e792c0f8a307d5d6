"""What pytest finds here: the hooks, and the fixture that is a drill."""

from drillbook.plugin.collect import pytest_collect_file as pytest_collect_file
from drillbook.plugin.collect import pytest_ignore_collect as pytest_ignore_collect
from drillbook.plugin.hooks import drill as drill
from drillbook.plugin.hooks import pytest_addoption as pytest_addoption
from drillbook.plugin.hooks import pytest_bdd_after_scenario as pytest_bdd_after_scenario
from drillbook.plugin.hooks import pytest_bdd_apply_tag as pytest_bdd_apply_tag
from drillbook.plugin.hooks import pytest_bdd_before_scenario as pytest_bdd_before_scenario
from drillbook.plugin.hooks import pytest_bdd_before_step as pytest_bdd_before_step
from drillbook.plugin.hooks import pytest_collection as pytest_collection
from drillbook.plugin.hooks import pytest_collection_modifyitems as pytest_collection_modifyitems
from drillbook.plugin.hooks import pytest_configure as pytest_configure
from drillbook.plugin.hooks import pytest_keyboard_interrupt as pytest_keyboard_interrupt
