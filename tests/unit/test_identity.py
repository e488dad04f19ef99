"""The kiosk's identity on its disk, and the centre's desk that gives it: both for real, without a network.

One long file on purpose: one kiosk and one desk, and each way in which what they exchange may be wrong.
"""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from edge_service.provisioning.errors import IdentityError
from edge_service.provisioning.identity import IdentityFolder
from interchange.certificates import certificate_request, new_key, read_certificate
from interchange.envelope_keys import PrivateKey
from interchange.provisioning import BrokerAddress, ProvisionRequest, RenewalWanted
from interchange.provisioning_code import ProvisioningCode
from interchange.settings import SettingsError, load_settings
from matcher_service.abis.failures import NotInScope
from matcher_service.abis.opening import open_desk
from matcher_service.abis.settings import AbisClient, AbisSettings
from matcher_service.authority import Authority, AuthorityError, BadRequest
from matcher_service.authority.centre_keys import CentreKeyring
from matcher_service.authority.layout import create_centre
from matcher_service.authority.registrar import Registrar
from matcher_service.repositories import Database, KeyKind, NotAdmitted, Registry, RegistryState
from matcher_service.repositories.abis_tables import AbisAnswer
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.notice_tables import Subscriber
from matcher_service.settings import MatcherSettings

BROKER = BrokerAddress(host="127.0.0.1", port=8883)
DAY = timedelta(days=1)


class Centre:
    """A registrar over a real database and a real authority, with a clock that can be moved."""

    def __init__(self, folder):
        self.now = datetime(2027, 1, 1, tzinfo=UTC)
        self.folder = folder / "authority"
        create_centre(self.folder, addresses=["127.0.0.1"], matchers=["matcher-1"])
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.registry = Registry(self.database, now=lambda: self.now)
        self.authority = Authority(self.folder, now=lambda: self.now)
        self.keyring = CentreKeyring(self.folder, now=lambda: self.now)
        self.registrar = Registrar(
            authority=self.authority, registry=self.registry, keyring=self.keyring, broker=BROKER
        )

    def invite(self, name="kiosk-1", ori="MO0100000", *, valid=DAY, **more):
        return ProvisioningCode.read(self.registrar.invite(name, ori, valid=valid, by="clerk", **more))

    def admit(self, folder, code, *, purpose=None):
        """What `provision` does at the kiosk, without the network."""
        kiosk = IdentityFolder(folder)
        answer = self.registrar.provision(asked(kiosk, code, purpose), address="10.0.0.7")
        kiosk.install(
            name=answer.name,
            ori=answer.ori,
            broker=answer.broker,
            certificate=answer.certificate,
            ca=answer.ca,
            centre=[answer.centre],
            now=self.now,
        )
        return kiosk


def asked(kiosk, code, purpose=None):
    pending = kiosk.prepare(purpose or code.secret_sha256)
    return ProvisionRequest(
        secret=code.secret, request=pending.request, signing=pending.signing, sealing=pending.sealing
    )


def wanted(kiosk, name="kiosk-1"):
    pending = kiosk.prepare("renewal")
    return RenewalWanted(
        device=name, request=pending.request, signing=pending.signing, sealing=pending.sealing
    )


@pytest.fixture
def centre(tmp_path):
    made = Centre(tmp_path)
    yield made
    made.database.close()


def test_from_a_code_to_an_identity(centre, tmp_path):
    code = centre.invite()
    kiosk = centre.admit(tmp_path / "identity", code)
    me = kiosk.load()
    assert (me.name, me.ori, me.broker) == ("kiosk-1", "MO0100000", BROKER)
    assert (me.certificate.name, me.certificate.ori) == ("kiosk-1", "MO0100000")
    registered = centre.registry.find("kiosk-1")
    assert registered.state is RegistryState.ACTIVE
    assert [k.key.id for k in registered.all_of(KeyKind.SIGNING)] == [me.signing.id]
    assert [k.key.id for k in registered.all_of(KeyKind.SEALING)] == [me.sealing[0].id]
    assert len({me.signing.id, me.sealing[0].id}) == 2


def test_its_secrets_are_its_owners_alone_and_the_codes_are_nowhere(centre, tmp_path):
    code = centre.invite()
    kiosk = centre.admit(tmp_path / "identity", code)
    for file in kiosk.folder.rglob("*"):
        if not file.name.endswith(".pem") and not file.is_symlink():
            assert file.stat().st_mode & 0o077 == 0, file
    for file in (*tmp_path.rglob("*.db*"), *kiosk.folder.rglob("*")):
        if file.is_file():
            assert code.secret.encode() not in file.read_bytes(), file


def refused_with(outcome):
    return pytest.raises(NotAdmitted, check=lambda error: error.outcome == outcome)


def test_codes_that_let_nobody_in(centre, tmp_path):
    with refused_with("unknown code"):
        centre.admit(tmp_path / "a", ProvisioningCode.make(bytes(32)))
    late = centre.invite(valid=timedelta(hours=2))
    centre.now += timedelta(hours=2)
    with refused_with("expired code"):
        centre.admit(tmp_path / "b", late)
    first, second = centre.invite(), centre.invite()  # who lost the first gets another, and the first is void
    with refused_with("expired code"):
        centre.admit(tmp_path / "c", first)
    centre.admit(tmp_path / "d", second)
    with refused_with("used code"):
        centre.admit(tmp_path / "thief", second)
    assert not IdentityFolder(tmp_path / "thief").exists


def test_an_answer_that_was_lost_is_given_again_to_the_same_kiosk(centre, tmp_path):
    code = centre.invite()
    kiosk = IdentityFolder(tmp_path / "identity")
    lost = centre.registrar.provision(asked(kiosk, code), address="10.0.0.7")
    again = centre.registrar.provision(asked(kiosk, code), address="10.0.0.7")
    assert again == lost
    assert len(centre.authority.issued_to("kiosk-1")) == 1


def test_a_name_that_is_taken_is_given_again_on_purpose_only(centre, tmp_path):
    old = centre.admit(tmp_path / "old", centre.invite()).load()
    with pytest.raises(NotAdmitted, match="--replace"):
        centre.invite()
    new = centre.admit(tmp_path / "new", centre.invite(ori="MO0200000", replace=True)).load()
    assert new.ori == centre.registry.find("kiosk-1").ori == "MO0200000"
    assert centre.authority.is_revoked_serial(old.certificate.serial)
    assert not centre.authority.is_revoked_serial(new.certificate.serial)
    (ended,) = [k for k in centre.registry.find("kiosk-1").keys if k.key.id == old.signing.id]
    assert not ended.counts(centre.now)


def test_renewal_makes_new_keys_and_keeps_the_last(centre, tmp_path):
    kiosk = centre.admit(tmp_path / "identity", centre.invite())
    before = kiosk.load()
    centre.now += 340 * DAY
    answer = centre.registrar.renew(wanted(kiosk))
    assert centre.registrar.renew(wanted(kiosk)) == answer  # asked again, the answer was lost
    kiosk.renew(answer.certificate, now=centre.now)
    after = kiosk.load()
    assert after.certificate.not_after > before.certificate.not_after + 300 * DAY
    assert after.signing.id != before.signing.id
    assert [key.id for key in after.sealing][1:] == [before.sealing[0].id]
    assert after.certificate.key != before.certificate.key
    (old,) = [k for k in centre.registry.find("kiosk-1").keys if k.key.id == before.signing.id]
    assert old.counts(centre.now + 29 * DAY)
    assert not old.counts(centre.now + 31 * DAY)
    # Renewed again, after which nothing of the first is left.
    centre.now += 340 * DAY
    kiosk.renew(centre.registrar.renew(wanted(kiosk)).certificate, now=centre.now)
    assert len(kiosk.load().sealing) == 2
    assert len(list(kiosk.folder.glob("keys-*"))) == 2
    assert kiosk.forget_previous(now=centre.now + 29 * DAY) is False
    assert kiosk.forget_previous(now=centre.now + 31 * DAY)
    assert len(kiosk.load().sealing) == 1


def test_keys_do_not_come_back(centre, tmp_path):
    kiosk = centre.admit(tmp_path / "identity", centre.invite())
    replayed = wanted(kiosk)
    kiosk.renew(centre.registrar.renew(replayed).certificate, now=centre.now)
    kiosk.renew(centre.registrar.renew(wanted(kiosk)).certificate, now=centre.now)
    with refused_with("key"):
        centre.registrar.renew(replayed)


def test_a_revoked_device_gets_nothing(centre, tmp_path):
    kiosk = centre.admit(tmp_path / "identity", centre.invite())
    code = centre.invite(replace=True)
    assert centre.registrar.revoke("kiosk-1", by="clerk") == 1
    with refused_with("device"):
        centre.registrar.renew(wanted(kiosk))
    with refused_with("expired code"):
        centre.admit(tmp_path / "again", code)
    with refused_with("device"):
        centre.registrar.revoke("kiosk-9", by="clerk")
    centre.admit(tmp_path / "again", centre.invite())  # a new invitation is a new decision
    assert centre.registry.find("kiosk-1").state is RegistryState.ACTIVE


def test_every_outcome_is_audited(centre, tmp_path, caplog):
    code = centre.invite()
    centre.admit(tmp_path / "a", code)
    for step in (
        lambda: centre.admit(tmp_path / "b", code),
        centre.invite,
        lambda: centre.registrar.revoke("nobody", by="clerk"),
    ):
        with pytest.raises(NotAdmitted):
            step()
    centre.registrar.revoke("kiosk-1", by="clerk")
    with centre.database.read() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
    seen = [(one.action, one.actor, json.loads(one.details).get("outcome", "done")) for one in entries]
    clerk = "system:shell/clerk"
    assert seen == [
        ("device.invite", clerk, "done"),
        ("device.provision", "device:kiosk-1", "done"),
        ("device.provision", "system:provisioning", "used code"),
        ("device.invite", clerk, "device"),
        ("device.revoke", clerk, "device"),
        ("device.revoke", clerk, "done"),
        ("device.revoke", clerk, "on the list"),
    ]
    assert json.loads(entries[2].details)["address"] == "10.0.0.7"
    assert code.secret not in caplog.text + "".join(one.details for one in entries)


def test_what_the_centre_does_not_certify(centre, tmp_path):
    kiosk = IdentityFolder(tmp_path / "identity")
    good = asked(kiosk, centre.invite())
    with refused_with("key"):
        centre.registrar.provision(good.model_copy(update={"sealing": good.signing}), address="x")
    with refused_with("key"):
        centre.registrar.provision(good.model_copy(update={"sealing": "x" * 50}), address="x")
    with pytest.raises(BadRequest):
        centre.registrar.provision(good.model_copy(update={"request": "x" * 50}), address="x")
    assert centre.registrar.provision(good, address="x").name == "kiosk-1"  # none of it used the code up


def test_a_certificate_for_another_key_or_name_is_not_taken_into_use(centre, tmp_path):
    kiosk = centre.admit(tmp_path / "identity", centre.invite())
    before = kiosk.load()
    kiosk.prepare("renewal")
    strange = certificate_request(new_key(), "kiosk-1")
    from matcher_service.authority import Role

    for pem in (
        centre.authority.certify(strange, role=Role.DEVICE, ori="MO0100000").decode(),
        "no certificate",
    ):
        with pytest.raises(IdentityError, match="certificate that came"):
            kiosk.renew(pem, now=centre.now)
    assert kiosk.load().certificate == before.certificate


def test_cut_off_at_any_moment(centre, tmp_path, monkeypatch):
    """Whatever file or name was the last to be written, there is an identity, whole: the old or the new one."""
    import edge_service.provisioning.identity as module

    kiosk = centre.admit(tmp_path / "identity", centre.invite())
    certificate = centre.registrar.renew(wanted(kiosk)).certificate
    outcomes = []
    for steps in range(30):
        copy = IdentityFolder(tmp_path / f"copy-{steps}")
        shutil.copytree(kiosk.folder, copy.folder, symlinks=True)
        left = [steps]

        def counted(real, left=left):
            def step(*args, **more):
                left[0] -= 1
                if left[0] < 0:
                    raise OSError("the power went")
                return real(*args, **more)

            return step

        with monkeypatch.context() as patch:
            patch.setattr(module, "write_whole", counted(module.write_whole))
            patch.setattr(module, "sync_folder", counted(module.sync_folder))
            patch.setattr(module.shutil, "rmtree", counted(module.shutil.rmtree))
            try:
                copy.renew(certificate, now=centre.now)
            except OSError:
                cut = True
            else:
                cut = False
        found = IdentityFolder(copy.folder).load()
        assert found.signing.public.id
        outcomes.append((cut, found.certificate.serial == read_certificate(certificate.encode()).serial))
        if not cut:
            break
    assert outcomes[0] == (True, False)
    assert outcomes[-1] == (False, True)
    assert (True, True) in outcomes  # cut off late, and finished at the next look


def test_the_centres_new_keys(centre, tmp_path):
    kiosk = centre.admit(tmp_path / "identity", centre.invite())
    old = centre.keyring.newest
    new = centre.keyring.rotate()
    assert kiosk.learn(new.public, now=centre.now)
    assert [one.number for one in kiosk.load().centre] == [2, 1]
    assert not kiosk.learn(new.public, now=centre.now)
    assert not kiosk.learn(old.public, now=centre.now)  # never back, whoever repeats it
    assert kiosk.forget_previous(now=centre.now + 31 * DAY)
    assert [one.number for one in kiosk.load().centre] == [2]


def test_the_centres_older_keys_are_kept_for_those_who_were_away(centre):
    centre.keyring.rotate()
    assert [one.number for one in centre.keyring.generations] == [2, 1]
    centre.now += 401 * DAY
    centre.keyring.rotate()
    assert [one.number for one in centre.keyring.generations] == [3, 2]
    centre.keyring.rotate(drop_older=True)
    assert [one.number for one in centre.keyring.generations] == [4]
    assert CentreKeyring(centre.folder).newest.number == 4


def test_a_centre_without_keys_says_so(tmp_path):
    Authority.create(tmp_path / "authority")
    with pytest.raises(AuthorityError, match="authority rotate"):
        _ = CentreKeyring(tmp_path / "authority").newest


def test_an_identity_that_cannot_be_read_says_what_to_do(centre, tmp_path):
    kiosk = centre.admit(tmp_path / "identity", centre.invite())
    for name, words in (("signing.key", "missing"), ("identity.json", "missing"), ("tls.pem", "missing")):
        copy = IdentityFolder(tmp_path / f"without-{name}")
        shutil.copytree(kiosk.folder, copy.folder, symlinks=True)
        (copy.current / name).unlink()
        with pytest.raises(IdentityError, match=words):
            copy.load()
    (kiosk.current / "signing.key").write_bytes(b"junk")
    with pytest.raises(IdentityError, match="provision this kiosk again"):
        kiosk.load()


def test_pending_keys_stay_the_same_for_one_purpose_only(tmp_path):
    kiosk = IdentityFolder(tmp_path / "identity")
    first = kiosk.prepare("one")
    assert kiosk.prepare("one") == first
    assert kiosk.prepare("two") != first
    assert kiosk.pending_sealing().public.pem.decode() == kiosk.prepare("two").sealing
    kiosk.drop_pending()
    assert kiosk.pending_sealing() is None
    assert isinstance(PrivateKey.generate().id, bytes)


def test_settings_of_a_provisioned_kiosk(centre, tmp_path):
    from edge_service.settings import EdgeSettings

    folder = tmp_path / "identity"
    unknown = load_settings(EdgeSettings, None, ["device=kiosk-9", f"identity.folder={folder}"])
    assert (unknown.device, unknown.broker.tls) == ("kiosk-9", None)
    kiosk = centre.admit(folder, centre.invite())
    settings = load_settings(EdgeSettings, None, [f"identity.folder={folder}"])
    assert settings.device == "kiosk-1"
    assert (settings.broker.host, settings.broker.port) == ("127.0.0.1", 8883)
    assert settings.broker.tls.key == kiosk.current / "tls.key"
    assert settings.broker.tls.key.is_file()
    moved = load_settings(
        EdgeSettings, None, [f"identity.folder={folder}", "broker.host=broker.example", "broker.port=99"]
    )
    assert (moved.broker.host, moved.broker.port) == ("broker.example", 99)
    assert moved.broker.tls is not None
    with pytest.raises(SettingsError, match="provisioned as 'kiosk-1'"):
        load_settings(EdgeSettings, None, [f"identity.folder={folder}", "device=kiosk-2"])


def test_a_subscribers_name_is_no_kiosks(centre):
    with centre.database.write() as session:
        session.add(
            Subscriber(
                name="kiosk-1", words="an agency", ori="DC0000000", sealing_pem="", signing_pem="", webhook_url="",
                active=True, added_at=centre.now,
            )
        )  # fmt: skip
    with refused_with("device"):
        centre.invite()


def test_an_abis_clients_name_is_no_kiosks(centre):
    named = Registry(centre.database, now=lambda: centre.now, clients=["mosip-1"])
    with refused_with("device"):
        named.invite("0" * 64, device="mosip-1", ori="MO0100000", valid=DAY, by="clerk")
    code = centre.invite("mosip-2")
    with centre.database.write() as session:  # named in the settings, and used, after the code was given out
        session.add(
            AbisAnswer(
                client="mosip-2", request_id="1", request_sha256="", answer="{}", answered_at=centre.now
            )
        )
    with refused_with("device"):
        centre.admit(centre.folder.parent / "k", code)
    assert centre.registry.find("mosip-2") is None


@pytest.mark.parametrize("kiosk", ["registered", "revoked", "invited", "subscriber"])
def test_a_kiosks_name_is_no_abis_clients(centre, tmp_path, kiosk):
    if kiosk == "subscriber":
        subscriber = Subscriber(
            name="taken-1", words="an agency", ori="DC0000000", sealing_pem="", signing_pem="", webhook_url="",
            active=True, added_at=centre.now,
        )  # fmt: skip
        with centre.database.write() as session:
            session.add(subscriber)
    else:
        code = centre.invite("taken-1")
        if kiosk != "invited":
            centre.admit(tmp_path / "k", code)
        if kiosk == "revoked":
            centre.registrar.revoke("taken-1", by="clerk")
    client = AbisClient(token="taken-1", repository="registrations", verbs=(), purpose="deduplication")
    settings = MatcherSettings(abis=AbisSettings(clients=(client,)))
    held = "a subscriber" if kiosk == "subscriber" else "a kiosk"
    with pytest.raises(NotInScope, match=f"'taken-1' is the name of {held}.*give the client another"):
        open_desk(settings, centre.database)
