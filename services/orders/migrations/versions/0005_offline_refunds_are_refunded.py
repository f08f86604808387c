"""Orders show what an organizer gave back of money that no provider captured."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Captured money still bounds what is refunded. NOT VALID spares a long lock: every row met the narrower rule before."""
    op.execute(
        """
        ALTER TABLE orders DROP CONSTRAINT ck_orders_refunded,
          ADD CONSTRAINT ck_orders_refunded CHECK (captured_minor = 0 OR refunded_minor <= captured_minor) NOT VALID
        """
    )
    op.execute(
        """
        UPDATE orders SET refunded_minor = least(given.minor, orders.amount_minor)
        FROM (
          SELECT order_id, sum(refunded_minor) AS minor FROM refunds
          WHERE kind = 'offline' AND status = 'paid' AND is_of_order GROUP BY order_id
        ) AS given
        WHERE given.order_id = orders.id AND orders.captured_minor = 0
        """
    )
