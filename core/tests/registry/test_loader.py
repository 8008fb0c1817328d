"""Plugins are loaded by name, checked, and every fault is one line with its remedy."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from hft import ExecutionClient, MarketDataStream, PluginError, RiskRule, Simulator, Strategy
from hft.registry import discovery
from hft.registry.discovery import PluginKind
from hft.registry.loader import Registry

RULE = """
    import attrs
    from hft import APPROVED, RiskRule, hookimpl

    HFT_API = 1

    @attrs.frozen
    class Config:
        pass

    class Approve(RiskRule[Config]):
        def check(self, order, view):
            return APPROVED

    @hookimpl
    def hft_risk_rule():
        return Approve
"""

EXCHANGE = """
    import attrs
    from hft import ExecutionClient, MarketDataStream, Simulator, hookimpl
    from hft.plugin.simulator import SimulatorConfig

    HFT_API = 1
    asked = []

    @attrs.frozen(kw_only=True)
    class Config:
        pass

    @attrs.frozen(kw_only=True)
    class SimConfig(SimulatorConfig):
        pass

    class Stream(MarketDataStream[Config]):
        def instrument_requests(self): ...
        def subscribe(self, markets): ...
        def on_frame(self, conn, data, recv_ns): ...
        def on_response(self, request, body, recv_ns): ...

    class Client(ExecutionClient[Config]):
        def place(self, order): ...
        def amend(self, order, price, size): ...
        def cancel(self, order): ...
        def query(self, order): ...

    class Sim(Simulator[SimConfig]):
        def routes(self): ...
        def endpoints(self, host, port): ...

    @hookimpl
    def hft_market_data():
        asked.append("market data")
        return Stream

    @hookimpl
    def hft_execution():
        asked.append("execution")
        return Client

    @hookimpl
    def hft_simulator():
        asked.append("simulator")
        return Sim
"""

MAKER = """
    import attrs
    from hft import Strategy

    @attrs.frozen(kw_only=True)
    class Config:
        levels: int = 5

    class Maker(Strategy[Config]):
        pass
"""


def install(site: Any, kind: PluginKind, source: str, **options: Any) -> None:
    site.install("hft-plugin-acme", {kind.group: {"acme": "acme_plugin"}}, acme_plugin=source, **options)


def fault(kind: PluginKind = PluginKind.RISK, use: str = "acme", **options: Any) -> str:
    with pytest.raises(PluginError) as caught:
        Registry().load(kind, use, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


# -- what works ----------------------------------------------------------------------------------------


def test_loads_an_exchange_and_asks_each_hook_once(site: Any) -> None:
    install(site, PluginKind.EXCHANGE, EXCHANGE, version="2.1")
    registry = Registry()

    plugin = registry.load(PluginKind.EXCHANGE, "acme", base=None)

    assert (plugin.name, plugin.kind, plugin.distribution, plugin.version, plugin.module) == (
        "acme",
        PluginKind.EXCHANGE,
        "hft-plugin-acme",
        "2.1",
        "acme_plugin",
    )
    asked = sys.modules["acme_plugin"].asked
    assert asked == ["market data", "execution"]  # no simulator until somebody wants it
    for _ in range(2):
        assert issubclass(plugin.market_data() or object, MarketDataStream)
        assert issubclass(plugin.execution() or object, ExecutionClient)
        assert issubclass(plugin.simulator() or object, Simulator)
    assert asked == ["market data", "execution", "simulator"]
    assert plugin.strategy() is None
    assert plugin.risk_rule() is None


def test_the_same_plugin_is_loaded_once(site: Any) -> None:
    install(site, PluginKind.RISK, RULE)
    registry = Registry()

    assert registry.load(PluginKind.RISK, "acme") is registry.load(PluginKind.RISK, "acme")


def test_imports_nothing_that_is_not_named(site: Any) -> None:
    install(site, PluginKind.RISK, RULE)
    site.install("other", {"hft.risk": {"other": "acme_other"}}, acme_other=RULE)

    Registry().load(PluginKind.RISK, "acme")

    assert "acme_plugin" in sys.modules
    assert "acme_other" not in sys.modules


def test_asks_each_plugin_its_own_hooks(site: Any) -> None:
    install(site, PluginKind.EXCHANGE, EXCHANGE)
    other = EXCHANGE.replace("Sim", "Other").replace("Otherulator", "Simulator")
    site.install("other", {"hft.exchanges": {"other": "acme_other"}}, acme_other=other)
    registry = Registry()
    plugins = [registry.load(PluginKind.EXCHANGE, name) for name in ("acme", "other")]

    assert [(plugin.simulator() or object).__name__ for plugin in plugins] == ["Sim", "Other"]


def test_one_module_may_offer_two_kinds(site: Any) -> None:
    site.install(
        "acme",
        {"hft.risk": {"limit": "acme_plugin"}, "hft.strategies": {"maker": "acme_plugin"}},
        acme_plugin=RULE
        + """
    from hft import Strategy

    class Maker(Strategy[Config]):
        pass

    @hookimpl
    def hft_strategy():
        return Maker
""",
    )
    registry = Registry()
    rule, maker = registry.load(PluginKind.RISK, "limit"), registry.load(PluginKind.STRATEGY, "maker")

    assert issubclass(rule.risk_rule() or object, RiskRule)
    assert rule.strategy() is None
    assert issubclass(maker.strategy() or object, Strategy)
    assert maker.risk_rule() is None


def test_an_optional_hook_of_a_later_core_does_no_harm(site: Any) -> None:
    later = """
    @hookimpl(optionalhook=True)
    def hft_crystal_ball():
        return None
    """
    install(site, PluginKind.RISK, RULE + later)

    assert Registry().load(PluginKind.RISK, "acme").risk_rule() is not None


# -- missing, misspelt, duplicated ---------------------------------------------------------------------


def test_a_missing_plugin_says_what_to_install() -> None:
    assert fault(PluginKind.EXCHANGE, "no_such") == (
        "no exchange plugin 'no_such' is installed: pip install hft-plugin-no-such"
    )


def test_a_misspelt_plugin_says_which_is_meant_first(site: Any) -> None:
    install(site, PluginKind.RISK, RULE)

    assert fault(use="acmee") == (
        "no risk plugin 'acmee' is installed, did you mean 'acme'? otherwise: pip install hft-plugin-acmee"
    )


def test_a_plugin_of_another_kind_is_named(site: Any) -> None:
    install(site, PluginKind.RISK, RULE)

    assert fault(PluginKind.STRATEGY) == (
        "no strategy plugin 'acme' is installed: hft-plugin-acme 1.0 offers 'acme' as risk plugin"
    )


@pytest.mark.parametrize("use", ["", "a b", "x; rm -rf ~", "$(x)", "-r", "naïve"])
def test_no_command_is_made_of_what_is_no_name(use: str) -> None:
    assert "pip" not in fault(use=use)


def test_a_duplicated_plugin_names_both_distributions(site: Any) -> None:
    install(site, PluginKind.RISK, RULE)
    site.install("acme-fork", {"hft.risk": {"acme": "acme_fork"}}, version="3.0", acme_fork=RULE)

    assert fault() == (
        "risk plugin 'acme' is offered by acme-fork 3.0 and hft-plugin-acme 1.0: "
        "pip uninstall acme-fork or pip uninstall hft-plugin-acme"
    )
    assert "acme_plugin" not in sys.modules


def test_a_plugin_for_another_core_is_not_imported(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "core_version", lambda: "0.1.0")
    install(site, PluginKind.RISK, RULE, requires=["hft-core>=0.7"])

    assert fault() == (
        "hft-plugin-acme 1.0: needs hft-core>=0.7, installed is 0.1.0: "
        "pip install --upgrade hft-core hft-plugin-acme"
    )
    assert "acme_plugin" not in sys.modules


# -- broken imports ------------------------------------------------------------------------------------


def test_a_module_that_is_not_there(site: Any) -> None:
    site.install("hft-plugin-acme", {"hft.risk": {"acme": "acme_gone.plugin"}})

    assert fault() == (
        "hft-plugin-acme 1.0 cannot be imported: ModuleNotFoundError: No module named 'acme_gone': "
        "pip install --force-reinstall hft-plugin-acme"
    )


def test_a_module_that_needs_what_is_not_installed(site: Any) -> None:
    source = {"url": "file:///src/acme", "dir_info": {"editable": True}}
    install(site, PluginKind.RISK, "HFT_API = 1\nimport surely_not_installed", direct_url=source)

    assert fault() == (
        "hft-plugin-acme 1.0 cannot be imported: ModuleNotFoundError: "
        f"No module named 'surely_not_installed' ({site.folder}/acme_plugin.py:2): pip install -e /src/acme"
    )


def test_a_module_that_raises_is_told_by_the_line_of_the_plugin(site: Any) -> None:
    install(site, PluginKind.RISK, "import json\n\njson.loads('{\\n')\n")

    line = fault()

    assert line.startswith("hft-plugin-acme 1.0 cannot be imported: JSONDecodeError: Expecting")
    assert line.endswith(f"({site.folder}/acme_plugin.py:3)")


def test_a_module_that_does_not_parse(site: Any) -> None:
    install(site, PluginKind.RISK, "HFT_API = 1\n\ndef broken(:\n")

    line = fault()

    assert "SyntaxError: invalid syntax" in line
    assert line.endswith(f"({site.folder}/acme_plugin.py:3)")


def test_a_module_that_exits(site: Any) -> None:
    install(site, PluginKind.RISK, "import sys\nsys.exit('bye')")

    assert fault().endswith(f"SystemExit: bye ({site.folder}/acme_plugin.py:2)")


# -- API number and hooks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "what"),
    [
        ("", "acme_plugin does not say which API it was written for: add HFT_API = 1"),
        ("HFT_API = '1'", "HFT_API is '1': write HFT_API = 1"),
        ("HFT_API = True", "HFT_API is True: write HFT_API = 1"),
        (
            "HFT_API = 2",
            "it was written for API 2 of hft, this hft-core has API 1: pip install --upgrade hft-core",
        ),
        (
            "HFT_API = 0",
            "it was written for API 0 of hft, this hft-core has API 1: pip install --upgrade hft-plugin-acme",
        ),
    ],
)
def test_the_api_number_is_checked(site: Any, api: str, what: str) -> None:
    install(site, PluginKind.RISK, RULE.replace("HFT_API = 1", api))

    assert fault() == f"hft-plugin-acme 1.0: {what}"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            "def hft_risk_rule",
            "def hft_riskrule",
            "there is no hook 'hft_riskrule', did you mean 'hft_risk_rule'?",
        ),
        (
            "def hft_risk_rule",
            "def quux",
            "there is no hook 'quux': the hooks are hft_add_commands, hft_execution, hft_market_data, "
            "hft_risk_rule, hft_simulator, hft_strategy",
        ),
        ("    @hookimpl", "", "hft_risk_rule lacks its decorator: write @hookimpl above it"),
        (
            "def hft_risk_rule()",
            "def hft_risk_rule(config)",
            "hookimpl definition: hft_risk_rule(config): Argument(s) {'config'} are declared in the "
            "hookimpl but can not be found in the hookspec",
        ),
        (
            "def hft_risk_rule",
            "def hft_strategy",
            "is no risk plugin: implement hft_risk_rule",
        ),
    ],
)
def test_hooks_are_checked(site: Any, old: str, new: str, what: str) -> None:
    install(site, PluginKind.RISK, RULE.replace(old, new))

    assert fault() == f"hft-plugin-acme 1.0: {what}"


def test_a_refused_plugin_leaves_nothing_behind(site: Any) -> None:
    install(site, PluginKind.RISK, RULE.replace("def hft_risk_rule", "def hft_riskrule"))
    site.install("other", {"hft.risk": {"other": "acme_other"}}, acme_other=RULE)
    registry = Registry()
    for _ in range(2):
        with pytest.raises(PluginError, match="hft_riskrule"):
            registry.load(PluginKind.RISK, "acme")

    assert registry.load(PluginKind.RISK, "other").risk_rule() is not None


# -- what hooks return ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ("None", "hft_risk_rule returned NoneType None: return a subclass of RiskRule"),
        ("'two\\nlines'", "hft_risk_rule returned str 'two\\nlines': return a subclass of RiskRule"),
        ("int", "hft_risk_rule returned int, which is not a subclass of RiskRule"),
        ("RiskRule", "hft_risk_rule returned RiskRule, which is not a subclass of RiskRule"),
        ("Approve(Config())", "hft_risk_rule returned an object of Approve: return the class itself"),
        (
            "type('Idle', (RiskRule,), {'Config': Config})",
            "hft_risk_rule returned Idle, which lacks check: write what RiskRule requires",
        ),
        (
            "type('Plain', (RiskRule,), {'check': print})",
            "hft_risk_rule returned Plain, which has no Config: "
            "write class Plain(RiskRule[Config]), Config an attrs class",
        ),
        (
            "type('Late', (Approve,), {'on_stat': print})",
            "hft_risk_rule returned Late, whose on_stat nothing calls: did you mean 'on_start'?",
        ),
        (
            "type('Slow', (Approve,), {'check': __import__('asyncio').sleep})",
            "hft_risk_rule returned Slow, whose check is async: write it with def",
        ),
        ("1 / 0", "hft_risk_rule failed: ZeroDivisionError: division by zero (PLUGIN:17)"),
    ],
)
def test_what_a_hook_returns_is_checked(site: Any, answer: str, what: str) -> None:
    install(site, PluginKind.RISK, RULE.replace("return Approve\n", f"return {answer}\n"))

    what = what.replace("PLUGIN", f"{site.folder}/acme_plugin.py")
    assert fault().startswith(f"hft-plugin-acme 1.0: {what}")


def test_every_method_that_is_not_written_is_named(site: Any) -> None:
    source = EXCHANGE.replace("def on_frame", "def off_frame").replace("def subscribe", "def describe")
    install(site, PluginKind.EXCHANGE, source)

    assert "returned Stream, which lacks on_frame, subscribe:" in fault(PluginKind.EXCHANGE)


def test_stream_and_client_share_one_config(site: Any) -> None:
    source = EXCHANGE.replace("ExecutionClient[Config]", "ExecutionClient[SimConfig]")
    install(site, PluginKind.EXCHANGE, source)

    assert fault(PluginKind.EXCHANGE) == (
        "hft-plugin-acme 1.0: Stream and Client have different Config classes, give both one"
    )


def test_a_faulty_simulator_is_a_fault_when_it_is_asked_for(site: Any) -> None:
    install(site, PluginKind.EXCHANGE, EXCHANGE.replace("return Sim\n", "return Stream\n"))
    plugin = Registry().load(PluginKind.EXCHANGE, "acme")

    with pytest.raises(
        PluginError, match=r"^hft-plugin-acme 1\.0: hft_simulator returned Stream, which is not"
    ):
        plugin.simulator()


# -- one-file plugins ----------------------------------------------------------------------------------


def write(site: Any, name: str, source: str) -> None:
    path = site.folder.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(line.removeprefix("    ") for line in source.splitlines()))


@pytest.mark.parametrize("use", ["./my-maker.v2.py", "my-maker.v2.py", "site/../my-maker.v2.py"])
def test_a_file_with_one_class_is_a_plugin(site: Any, use: str) -> None:
    write(site, "my-maker.v2.py", MAKER)

    plugin = Registry().load(PluginKind.STRATEGY, use, base=site.folder.parent)

    strategy = plugin.strategy()
    assert strategy is not None
    assert strategy.__name__ == "Maker"
    assert strategy.Config().levels == 5
    assert (plugin.name, plugin.distribution, plugin.version) == (use, use, "")


def test_a_path_starts_at_the_working_directory_without_a_base(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(site, "maker.py", MAKER)
    monkeypatch.chdir(site.folder.parent)

    assert Registry().load(PluginKind.STRATEGY, "maker.py").strategy() is not None


def test_two_files_of_one_name_are_two_plugins_and_two_ways_to_one_are_one(site: Any) -> None:
    write(site, "maker.py", MAKER)
    write(site, "other/maker.py", MAKER.replace("class Maker", "class Other"))
    registry, base = Registry(), site.folder.parent

    maker = registry.load(PluginKind.STRATEGY, "./maker.py", base=base)
    other = registry.load(PluginKind.STRATEGY, "./maker.py", base=base / "other")

    assert other is not maker
    assert registry.load(PluginKind.STRATEGY, "../maker.py", base=base / "other") is maker


def test_a_file_may_have_hooks_and_private_classes(site: Any) -> None:
    write(site, "rule.py", RULE + "\n    class Second(Approve):\n        pass\n")
    write(
        site,
        "maker.py",
        MAKER.replace("class Maker", "class _Base") + "\n    class Maker(_Base):\n        pass\n",
    )
    registry, base = Registry(), site.folder.parent

    rule = registry.load(PluginKind.RISK, "./rule.py", base=base).risk_rule()
    maker = registry.load(PluginKind.STRATEGY, "./maker.py", base=base).strategy()

    assert (rule or object).__name__ == "Approve"
    assert (maker or object).__name__ == "Maker"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("", "it has no Strategy: write class Name(Strategy[Config])"),
        (
            MAKER + "\n    class Taker(Maker):\n        pass",
            "it has more than one Strategy, Maker and Taker: write hft_strategy() to say which",
        ),
        (
            "HFT_API = 7" + MAKER,
            "it was written for API 7 of hft, this hft-core has API 1: mend the file and write HFT_API = 1",
        ),
    ],
)
def test_faults_of_a_file(site: Any, source: str, what: str) -> None:
    write(site, "maker.py", source)

    assert fault(PluginKind.STRATEGY, "./maker.py", base=site.folder.parent) == f"./maker.py: {what}"


def test_a_file_that_fails_can_be_mended_and_loaded(site: Any) -> None:
    base = site.folder.parent
    write(site, "maker.py", "import surely_not_installed")
    assert fault(PluginKind.STRATEGY, "./maker.py", base=base) == (
        "./maker.py cannot be imported: ModuleNotFoundError: "
        f"No module named 'surely_not_installed' ({base}/maker.py:1)"
    )
    write(site, "maker.py", MAKER)

    assert Registry().load(PluginKind.STRATEGY, "./maker.py", base=base).strategy() is not None


def test_a_file_is_what_it_is_now_whatever_its_bytecode(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    base = site.folder.parent
    for name in ("Maker", "Taker"):  # of one length, and changed at the same time
        write(site, "maker.py", MAKER.replace("class Maker", f"class {name}"))
        os.utime(base / "maker.py", (1_700_000_000, 1_700_000_000))
        plugin = Registry().load(PluginKind.STRATEGY, "./maker.py", base=base)
        assert (plugin.strategy() or object).__name__ == name
        del sys.modules[plugin.found.module]
    assert not (base / "__pycache__").exists()


def test_files_that_are_not_there_or_not_python(site: Any) -> None:
    base = site.folder.parent

    assert fault(PluginKind.STRATEGY, "./maker.py", base=base) == (
        f"strategy plugin './maker.py' does not exist: looked for {base}/maker.py"
    )
    assert fault(PluginKind.STRATEGY, "./maker", base=base) == (
        "strategy plugin './maker' is no Python file: name one that ends in .py"
    )


def test_an_exchange_in_one_file_needs_its_hooks(site: Any) -> None:
    write(site, "acme.py", EXCHANGE)
    write(site, "bare.py", EXCHANGE.replace("@hookimpl", "").replace("def hft_", "def "))
    base = site.folder.parent

    assert Registry().load(PluginKind.EXCHANGE, "./acme.py", base=base).market_data() is not None
    assert fault(PluginKind.EXCHANGE, "./bare.py", base=base) == (
        "./bare.py: is no exchange plugin: implement hft_market_data or hft_execution or hft_simulator"
    )
