"""The one place where kafka-python's clients are made. They say why a broker refuses them, where the library would try for ever."""
import logging
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import AuthorizationError, KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from transforms.kafka_security import KafkaProblem, Refusal, Security, client_options, refusal_of

PLAINTEXT = Security()


class Connection:
    """Makes the clients of one user of these brokers, and knows which of them refuse it at present."""

    def __init__(self, servers: str, security: Security = PLAINTEXT, timeout_s: float = 30.0) -> None:
        self.servers, self.security, self.timeout_s = servers, security, timeout_s
        self.failed: dict[str, Refusal] = {}   # host:port -> why the last connection failed

    def consumer(self, **more: Any) -> Any:
        """A KafkaConsumer. Raises KafkaProblem when no broker lets it in within the timeout."""
        return self._made(KafkaConsumer, more)

    def producer(self, **more: Any) -> Any:
        """A KafkaProducer. Raises KafkaProblem."""
        return self._made(KafkaProducer, more)

    def admin(self, **more: Any) -> Any:
        """A KafkaAdminClient. Raises KafkaProblem."""
        return self._made(KafkaAdminClient, more)

    def refusal(self, error: BaseException | None = None) -> str:
        """Why a broker does not let us in, where trying again cannot change it, and what to do; else empty.

        error: what a client raised, which may come before the end of its connection is known.
        """
        of_error = {self.servers: refusal_of(error)} if error else {}
        for address, found in (*list(self.failed.items()), *of_error.items()):   # the clients' threads write the first
            if found.final:
                return f"Kafka broker {address} cannot be used (--security-protocol {self.security.how}): {found.why}; {found.do}"
        return ""

    def check(self, error: BaseException | None = None) -> None:
        """Raises KafkaProblem where a broker refuses us."""
        if (self.failed or error) and (said := self.refusal(error)):
            raise KafkaProblem(said) from error

    def _made(self, kind: type[Any], more: dict[str, Any]) -> Any:
        options = {"bootstrap_servers": self.servers.split(","), "bootstrap_timeout_ms": self.timeout_s * 1_000,
                   "reconnect_backoff_max_ms": 2_000, **client_options(self.security), **more}
        made: list[_Client] = []
        self.failed.clear()

        def client(**config: Any) -> _Client:
            made.append(_Client(self, config))
            return made[0]

        try:
            return kind(kafka_client=client, **options)
        except (KafkaError, OSError) as error:
            for one in made:
                one.close()
                one._net.stop()   # its thread would stay
            why = "; ".join(dict.fromkeys(found.hint for found in list(self.failed.values()))) or str(error)
            raise KafkaProblem(self.refusal() or (
                f"no Kafka broker answered at {self.servers} within {self.timeout_s:g} s ({why}): start it, correct --bootstrap-servers, "
                "or raise --connect-timeout")) from error


def denied(error: BaseException) -> bool:
    """Whether an ACL is missing. kafka-python 3.0.12 tells an idempotent producer that may write nowhere of it by a plain KafkaError."""
    return isinstance(error, AuthorizationError) or "AuthorizationFailed" in str(error)


class _Refused(KafkaError):
    """Ends a client's search for a broker; Connection.failed says why."""


class _Client(KafkaNetClient):
    """kafka-python's own, over a manager that takes note."""

    def __init__(self, connection: Connection, config: dict[str, Any]) -> None:
        net = NetworkSelector(**config)
        super().__init__(net, _Manager(connection, net, config), **config)


class _Manager(KafkaConnectionManager):
    """kafka-python's own (3.0.12), which drops why a connection failed, and counts one that was refused as made.

    Every public client has one, made by the argument kafka_client.
    """

    def __init__(self, connection: Connection, net: Any, config: dict[str, Any]) -> None:
        super().__init__(net, **config)
        self.connection, self.begun = connection, False

    def get_connection(self, node_id: Any, *args: Any, **more: Any) -> Any:
        """Raises _Refused while no broker was found yet and all of them have refused for good."""
        failed = self.connection.failed
        self.begun = self.begun or self.bootstrapped
        if not self.begun and all(
                (found := failed.get(_address(node))) is not None and found.final for node in self.cluster.bootstrap_brokers()):
            raise _Refused
        made = super().get_connection(node_id, *args, **more)
        if not made.init_future.is_done:
            address = _address(self.cluster.broker_metadata(node_id))
            made.init_future.add_callback(lambda _: failed.pop(address, None))
            made.init_future.add_errback(lambda error: self._note(address, error))
            made.close_future.add_errback(lambda error: failed.setdefault(address, refusal_of(error)))
        return made

    def reset_backoff(self, node_id: Any) -> None:
        """Not for one that was refused: it would be asked again at once, for ever."""
        node = self.cluster.broker_metadata(node_id)
        if node is None or _address(node) not in self.connection.failed:
            super().reset_backoff(node_id)

    def _note(self, address: str, error: BaseException) -> None:
        found, before = refusal_of(error), self.connection.failed.get(address)
        if found.final or before is None or not before.final:
            self.connection.failed[address] = found

    async def _build_transport(self, *args: Any, **more: Any) -> Any:
        """What came before the broker hung up is handed on (its reason): kafka-python throws it away."""
        transport = await super()._build_transport(*args, **more)
        receive = transport._sock_recv

        def received() -> tuple[bytes, BaseException | None]:
            data, error = receive()
            return data, None if data else error   # the next call tells the error again

        transport._sock_recv = received
        return transport


def _address(node: Any) -> str:
    return f"{node.host}:{node.port}"


for _name in ("net.connection", "protocol.parser", "producer.kafka", "producer.sender", "consumer.fetcher"):
    logging.getLogger(f"kafka.{_name}").addFilter(lambda record: record.levelno > logging.DEBUG)   # these show passwords and records
