"""Precedence, sources and mistakes."""

from pathlib import Path

import pytest

from microglia.settings import Settings, SettingsError, config_file, resolve


@pytest.fixture
def config(tmp_path):
    """A config file that sets two values."""
    path = tmp_path / "config.yaml"
    path.write_text("prometheus: http://from-file:9090\nlease-namespace: ops\n", encoding="utf-8")
    return path


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(config, monkeypatch, tmp_path):
    """Each value comes from the nearest source, and says which."""
    monkeypatch.setenv("MICROGLIA_CONTEXT", "from-environment")
    monkeypatch.setenv("MICROGLIA_PROMETHEUS", "http://from-environment:9090")
    found, origin = resolve({"prometheus": "http://flag:9090", "context": None, "state": tmp_path}, config)
    assert (found.prometheus, found.context, found.lease_namespace) == ("http://flag:9090", "from-environment", "ops")
    assert found.kubeconfig is None
    assert origin["prometheus"] == "--prometheus"
    assert origin["context"] == "MICROGLIA_CONTEXT"
    assert origin["lease_namespace"] == str(config)
    assert origin["kubeconfig"] == "default"


@pytest.mark.parametrize("scope", ['cluster="prod"', 'cluster=~"prod|eu", region!="a\\"b"'])
def test_a_scope_is_what_stands_between_the_braces_of_a_selector(scope, tmp_path):
    """One matcher or several, with their quotes."""
    assert resolve({"prometheus_scope": scope}, tmp_path / "none.yaml")[0].prometheus_scope == scope


@pytest.mark.parametrize("scope", ["prod", "cluster=prod", '{cluster="prod"}', 'cluster="prod"} or up{', ""])
def test_a_scope_that_is_none_is_a_mistake(scope, tmp_path):
    """It would break every query, or ask for something else."""
    with pytest.raises(SettingsError, match=r"--prometheus-scope: prometheus_scope: .* is no list of PromQL matchers"):
        resolve({"prometheus_scope": scope}, tmp_path / "none.yaml")


def test_without_a_config_file_everything_is_default(tmp_path):
    """A missing config file is no mistake."""
    found, origin = resolve({}, tmp_path / "none.yaml")
    assert found == Settings()
    assert set(origin.values()) == {"default"}
    assert config_file().name == "config.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prometheuss: x\n", "unknown setting 'prometheuss'"),
        ("- a\n- b\n", "write one 'name: value' per line"),
        ("a: [\n", "is not YAML"),
        ("context: [1, 2]\n", "context"),
    ],
)
def test_a_wrong_config_file_names_itself_and_the_remedy(tmp_path, text, message):
    """Every mistake in the file names the file."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message) as caught:
        resolve({}, path)
    assert str(path) in str(caught.value)


def test_an_empty_config_file_is_none(tmp_path):
    """A file with only comments sets nothing."""
    path = tmp_path / "config.yaml"
    path.write_text("# nothing\n", encoding="utf-8")
    assert resolve({}, path)[0] == Settings()


def test_an_unreadable_config_file_is_named(tmp_path):
    """A folder in place of the file is a mistake with its name."""
    with pytest.raises(SettingsError, match="cannot be read"):
        resolve({}, tmp_path)


def test_lists_come_from_the_environment_as_one_value_or_as_json(tmp_path, monkeypatch):
    """A shell has no lists: one path or header stands for itself, several are written as JSON."""
    monkeypatch.setenv("MICROGLIA_POLICY", "/etc/policies")
    monkeypatch.setenv("MICROGLIA_PROMETHEUS_HEADER", '["A: 1", "B: 2"]')
    found, origin = resolve({}, tmp_path / "none.yaml")
    assert found.policy == (Path("/etc/policies"),)
    assert found.prometheus_header == ("A: 1", "B: 2")
    assert origin["policy"] == "MICROGLIA_POLICY"
    assert resolve({"policy": [Path("/a"), Path("/b")]}, tmp_path / "none.yaml")[0].policy == (Path("/a"), Path("/b"))


def test_a_broken_list_in_the_environment_is_named(tmp_path, monkeypatch):
    """The variable, and what is wrong with it."""
    monkeypatch.setenv("MICROGLIA_PROMETHEUS_HEADER", '["A: 1"')
    with pytest.raises(SettingsError, match=r"MICROGLIA_PROMETHEUS_HEADER: prometheus_header: .*JSON"):
        resolve({}, tmp_path / "none.yaml")


def test_what_others_put_into_the_environment_is_left_alone(tmp_path, monkeypatch):
    """In a cluster, a Service called microglia makes variables of its own."""
    monkeypatch.setenv("MICROGLIA_SERVICE_HOST", "10.0.0.1")
    assert resolve({}, tmp_path / "none.yaml")[0] == Settings()


def test_a_prometheus_without_a_scheme_is_told_how_to_write_it(tmp_path):
    """host:port alone is the commonest slip."""
    with pytest.raises(SettingsError, match=r'--prometheus: .*"localhost:9090" is no URL; write http://localhost:9090'):
        resolve({"prometheus": "localhost:9090"}, tmp_path / "none.yaml")
    assert resolve({"prometheus": "https://x"}, tmp_path / "none.yaml")[0].prometheus == "https://x"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"prometheus_user": "ann"}, r"--prometheus-user: prometheus_user: .*needs one of prometheus_password"),
        ({"prometheus_password_file": Path("p")}, r"prometheus_user needs one of"),
        (
            {"prometheus_user": "a", "prometheus_password_file": Path("p"), "prometheus_aws_region": "eu"},
            "prometheus_user and prometheus_aws_region are two ways to be let in",
        ),
        ({"prometheus_key": Path("k")}, r"--prometheus-key: prometheus_key: .*name it in prometheus_cert"),
        ({"flavour": "promql"}, "--flavour: flavour: Input should be 'auto', 'prometheus'"),
    ],
)
def test_ways_in_are_whole_and_only_one(flags, message, tmp_path):
    """Half of one, or two at once, is a mistake that names its settings."""
    with pytest.raises(SettingsError, match=message):
        resolve(flags, tmp_path / "none.yaml")


def test_secrets_come_with_the_environment_and_are_not_shown(monkeypatch, tmp_path):
    """Neither a print nor a dump of the settings has them."""
    monkeypatch.setenv("MICROGLIA_PROMETHEUS_USER", "ann")
    monkeypatch.setenv("MICROGLIA_PROMETHEUS_PASSWORD", "s3cret")
    found, _ = resolve({}, tmp_path / "none.yaml")
    assert found.prometheus_password is not None
    assert found.prometheus_password.get_secret_value() == "s3cret"
    assert "s3cret" not in f"{found!r} {found.model_dump(mode='json')}"
