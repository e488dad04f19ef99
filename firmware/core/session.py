"""The session with the sensor, as a state machine that never waits.

    session = SensorSession(port=port, board=board, clock=clock, counters=counters, image=image,
                            remembered_baud=0, password=0, model=0)
    while True:
        session.step()

States (`codes.STATE_*`):

    OFF -> POWERING -> PROBING -> READY
    READY, DONE --start_capture--> WAITING_FINGER -> TAKING -> RECEIVING -> DONE
    READY, DONE --start_lift-----> WAITING_LIFT -> READY
    READY to WAITING_LIFT --cancel--> READY (earlier, and in FAULT, the state stays); a job ends with error CANCELLED
    any --power_cycle--> POWERING
    any --a sensor that does not answer, wants another password, or is of an unknown model--> FAULT

A job (capture or lift) that ends without its result leaves READY and `error`; `busy` tells that one is under way.
When the sensor says nothing it is switched off and on and the job starts anew, `POWER_CYCLES` times; then FAULT.
In FAULT the next job tries again from the power switch on. A job may be started while the sensor is still
starting up: it begins when the sensor is ready, and its time runs already.

Each flow below is a generator that yields when there is nothing to do right now; a step runs it to its next yield.
"""

from firmware.core import codes
from firmware.core import counters as count
from firmware.core.capture import DETAIL_IMAGE, Finger
from firmware.core.compat import const
from firmware.core.led import led_of
from firmware.core.parameters import LOCKED_PAUSE_MS, POWER_CYCLES
from firmware.core.power_up import PowerUp
from firmware.core.sensor import Conversation
from firmware.core.sensor_status import SensorStatus
from firmware.core.transfer import Transfer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from firmware.core.counters import Counters
    from firmware.core.image import ImageBuffer
    from firmware.core.ports import Board, Clock, SensorPort
    from firmware.core.sensor_status import SensorInfo

_NO_JOB = const(0)
_CAPTURE = const(1)
_LIFT = const(2)

_CURABLE = (codes.ERROR_SENSOR_SILENT, codes.ERROR_SENSOR_GARBLED)
_NO_FAILURE = (0, codes.ERROR_NO_FINGER, codes.ERROR_CANCELLED)


class SensorSession:
    """One sensor, from its power switch to its images.

    Args:
        port: the sensor's UART; its receive buffer should hold 512 bytes or more.
        board: power switch, detect line, light.
        clock: milliseconds.
        counters: what went wrong.
        image: where images go; `image.generation` rises whenever one begins anew.
        remembered_baud: what `baud_to_remember` told at an earlier start; 0 for nothing.
        password: the sensor's four-byte password.
        model: code of the sensor's model, `codes.MODEL_*`; 0 finds it out.
    """

    def __init__(
        self,
        *,
        port: "SensorPort",
        board: "Board",
        clock: "Clock",
        counters: "Counters",
        image: "ImageBuffer",
        remembered_baud: int = 0,
        password: int = 0,
        model: int = codes.MODEL_UNKNOWN,
    ):
        self._board = board
        self._clock = clock
        self._counters = counters
        self._image = image
        self._status = status = SensorStatus()
        self._conversation = conversation = Conversation(
            port=port, clock=clock, counters=counters, status=status, password=password
        )
        self._power_up = PowerUp(
            conversation=conversation,
            board=board,
            clock=clock,
            counters=counters,
            status=status,
            remembered_baud=remembered_baud,
            model=model,
        )
        self._finger = Finger(
            conversation=conversation,
            transfer=Transfer(
                conversation=conversation, clock=clock, counters=counters, status=status, image=image
            ),
            power_up=self._power_up,
            board=board,
            clock=clock,
            counters=counters,
            status=status,
        )
        self._job = _NO_JOB
        self._job_started = 0
        self._job_timeout_ms = 0
        self._job_looks = 1
        self._usable = False
        self._light = -1
        self._flow = self._life()

    # -- what is known

    @property
    def state(self) -> int:
        """One of `codes.STATE_*`."""
        return self._status.state

    @property
    def busy(self) -> bool:
        """A job is under way, or waits for the sensor to start up."""
        return self._job != _NO_JOB

    @property
    def error(self) -> int:
        """Why the last job or the last start-up failed: one of `codes.ERROR_*`; 0 when it did not."""
        return self._status.error

    @property
    def detail(self) -> int:
        """More about `error`.

        The sensor's confirmation code with SENSOR_REFUSED and SENSOR_LOCKED; 1 with SENSOR_GARBLED when only the
        transfer of the image failed.
        """
        return self._status.detail

    @property
    def progress(self) -> int:
        """Rises with every packet accepted and every answer understood, and wraps: the watchdog's food while busy."""
        return self._status.progress

    @property
    def info(self) -> "SensorInfo":
        """What is known of the sensor; always the same object."""
        return self._status.info

    @property
    def look(self) -> int:
        """Which look at the finger gave the image, from 1."""
        return self._status.look

    @property
    def finger_at(self) -> int:
        """When that look was taken, in ms of the clock."""
        return self._status.finger_at

    @property
    def wire_ms(self) -> int:
        """How long the last image was on the sensor's wire."""
        return self._status.wire_ms

    @property
    def baud_to_remember(self) -> int:
        """The highest baud rate that works, once it is known; 0 before."""
        return self._power_up.baud.settled

    # -- what can be asked for

    def start_capture(self, timeout_ms: int, looks: int) -> bool:
        """Wait for a finger at most `timeout_ms`, look at it 1 to `looks` times, fetch the image. False when busy."""
        return self._start(_CAPTURE, timeout_ms, looks)

    def start_lift(self, timeout_ms: int) -> bool:
        """Wait until no finger is on the window. False when busy."""
        return self._start(_LIFT, timeout_ms, 1)

    def cancel(self) -> bool:
        """End the job at once; True also when there is none. An answer or image on its way is drained later."""
        status = self._status
        if self._job != _NO_JOB:
            self._job = _NO_JOB
            status.failed(codes.ERROR_CANCELLED)
        if status.state >= codes.STATE_READY and status.state != codes.STATE_FAULT:
            self._conversation.restless = True
            status.state = codes.STATE_READY
            self._flow = self._life()
        return True

    def power_cycle(self) -> bool:
        """Switch the sensor off and on and start anew. Ends a job."""
        if self._job != _NO_JOB:
            self._job = _NO_JOB
            self._status.failed(codes.ERROR_CANCELLED)
        self._counters.add(count.SENSOR_POWER_CYCLES)
        self._status.state = codes.STATE_POWERING
        self._usable = False
        self._flow = self._life()
        return True

    def configure(self, *, model: int, password: int) -> None:
        """Use another model (0: find out) and password from now on, beginning with the power switch."""
        self._power_up.model = model
        self._conversation.use_password(password)
        self.power_cycle()

    def step(self) -> None:
        """Do what can be done now; at most a packet's worth."""
        next(self._flow)
        light = led_of(self._status.state)
        if light != self._light:
            self._light = light
            self._board.led(light)

    # -- the flows

    def _life(self) -> "Generator[None, None, None]":
        while True:
            if not self._usable:
                yield from self._bring_up()
            if self._usable:
                yield from self._serve()
            yield from self._fault()

    def _bring_up(self) -> "Generator[None, None, None]":
        """From the power switch to a sensor that can be used, or to an error, which ends a job that waits."""
        error = yield from self._start_sensor()
        for _ in range(POWER_CYCLES):
            if error in _CURABLE:
                self._counters.add(count.SENSOR_POWER_CYCLES)
                error = yield from self._start_sensor()
        if error:
            self._job_done(error)
        elif self._status.error != codes.ERROR_CANCELLED:
            self._status.failed(0)

    def _serve(self) -> "Generator[None, None, None]":
        """One job after the other, as long as the sensor can be used."""
        if self._job == _NO_JOB:
            self._status.state = codes.STATE_READY
        while self._usable:
            while self._job == _NO_JOB:
                yield
            error = yield from self._try_job()
            for _ in range(POWER_CYCLES):
                if self._curable(error):
                    self._counters.add(count.SENSOR_POWER_CYCLES)
                    error = (yield from self._start_sensor()) or (yield from self._try_job())
            if self._curable(error) or error == codes.ERROR_SENSOR_LOCKED:
                self._usable = False
            self._job_done(error)

    def _fault(self) -> "Generator[None, None, None]":
        """Nothing until the next job; after a wrong password nothing for a while, whatever is asked for."""
        self._status.state = codes.STATE_FAULT
        error = self._status.error
        detail = self._status.detail
        failed_at = self._clock.now()
        while self._job == _NO_JOB:
            yield
            # A negative difference is one of more than six days.
            paused = 0 <= self._clock.since(failed_at) < LOCKED_PAUSE_MS
            if self._job != _NO_JOB and paused and error == codes.ERROR_SENSOR_LOCKED:
                self._status.failed(error, detail)
                self._job_done(error)

    def _start_sensor(self) -> "Generator[None, None, int]":
        self._usable = False
        error = yield from self._power_up.run()
        self._usable = not error
        return error

    def _try_job(self) -> "Generator[None, None, int]":
        """One attempt at the job, with a sensor that can be used; 0, or one of `codes.ERROR_*`."""
        if self._job == _CAPTURE:
            return (yield from self._finger.capture(self._job_started, self._job_timeout_ms, self._job_looks))
        if self._job == _LIFT:
            return (yield from self._finger.lift(self._job_started, self._job_timeout_ms))
        return 0  # cancelled while the sensor was started anew

    def _curable(self, error: int) -> bool:
        """Whether switching the sensor off and on may help: not when only the image arrives damaged."""
        return error in _CURABLE and self._status.detail != DETAIL_IMAGE

    def _start(self, job: int, timeout_ms: int, looks: int) -> bool:
        if self._job != _NO_JOB:
            return False
        status = self._status
        self._job = job
        self._job_started = self._clock.now()
        self._job_timeout_ms = timeout_ms
        self._job_looks = looks
        if status.state in (codes.STATE_READY, codes.STATE_DONE):
            status.state = codes.STATE_WAITING_FINGER if job == _CAPTURE else codes.STATE_WAITING_LIFT
        return True

    def _job_done(self, error: int) -> None:
        """Say how the job ended; `error` is noted in the status already, and forgotten when the job was done."""
        status = self._status
        job = self._job
        self._job = _NO_JOB
        if not self._usable:
            status.state = codes.STATE_FAULT
        else:
            status.state = codes.STATE_DONE if job == _CAPTURE and not error else codes.STATE_READY
        if job != _NO_JOB and not error:
            status.failed(0)
        if job == _CAPTURE and error not in _NO_FAILURE:
            self._counters.add(count.CAPTURES_FAILED)
        elif job == _CAPTURE and not error:
            self._counters.add(count.IMAGES)
