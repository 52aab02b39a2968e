"""The app is ready only while vault and audit log are good."""

from client_security.app import create_app
from client_security.lifespan import opened
from client_security.settings import Settings
from kit.free_ports import free_port
from kit.testing import eventually


async def test_without_an_enrolment_it_says_so(tmp_path) -> None:
    settings = Settings(port=free_port(), data_dir=tmp_path)
    async with opened("security", settings) as app:
        await create_app(app, settings)
        await eventually(lambda: app.health.last["audit_log"].health.value == "ok")
        await eventually(lambda: "no enrolment" in app.health.last["vault"].detail)
        assert not app.health.ready()
