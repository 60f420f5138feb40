"""priorities with their reasons, repeated texts, outside scores, labels, shadow mode."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from tsbot.store.columns import Blob, LongText

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


KINDS = {
    'minors': 60, 'mass_violence': 30, 'sexual_violence': 28, 'violence': 28, 'self_harm': 28,
    'doxing': 24, 'attack_name': 16, 'harassment': 16, 'legal': 8,
}
EMERGENCY = ('mass_violence', 'sexual_violence', 'violence', 'self_harm')


def _give_priorities() -> None:
    """Flags of before get the priority of their scores alone, as priority.toml had it when this was written."""
    connection = op.get_bind()
    columns = ('id', 'kind', 'probability', 'specificity', 'plausibility', 'imminence', 'priority', 'reasons')
    flag = sa.table('flag', *map(sa.column, columns))
    for row in connection.execute(sa.select(flag)).mappings().all():
        points = KINDS.get(row['kind'], 0) + round(4 * row['probability'])
        points += 4 * row['specificity'] + 5 * row['plausibility'] + 3 * row['imminence']
        if row['kind'] in EMERGENCY and row['imminence'] >= 2:
            priority = max(80, min(100, points + 30))
        else:
            priority = max(20 if row['kind'] in (*EMERGENCY, 'minors') else 5, min(79, points))
        reason = {'name': 'scores', 'points': priority, 'words': 'flagged before priorities were kept: its scores alone'}
        connection.execute(flag.update().where(flag.c.id == row['id']).values(priority=priority, reasons=json.dumps([reason])))


def upgrade() -> None:
    """Go up."""
    op.create_table('revision_score',
    sa.Column('subject', sa.String(length=128), nullable=False),
    sa.Column('service', sa.String(length=64), nullable=False, comment='Who was asked: service and model.'),
    sa.Column('score', sa.Double(), nullable=True, comment='Probability that the revision will be reverted; empty: unknown.'),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due', sa.Double(), nullable=True, comment='Not asked again before; empty once settled.'),
    sa.Column('updated', sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint('subject', name=op.f('pk_revision_score')),
    comment='What outside models say of flagged revisions.'
    )
    with op.batch_alter_table('revision_score', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_revision_score_due'), ['due'], unique=False)

    op.create_table('shadow_count',
    sa.Column('candidate', sa.String(length=64), nullable=False),
    sa.Column('what', sa.String(length=32), nullable=False, comment='both.KIND, live.KIND, candidate.KIND, cleared, failed, skipped.'),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('passages', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('candidate', 'what', 'language', name=op.f('pk_shadow_count')),
    comment='How often a candidate detector says what the live one says.'
    )
    op.create_table('shadow_difference',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('candidate', sa.String(length=64), nullable=False, comment='Version of the detector that is tried out.'),
    sa.Column('live', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=128), nullable=False),
    sa.Column('wiki', sa.String(length=64), nullable=False),
    sa.Column('field', sa.String(length=16), nullable=False),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('scores', LongText, nullable=False, comment='JSON: what both say, probabilities and grades; no text.'),
    sa.Column('created', sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shadow_difference')),
    comment='Passages of which a candidate detector flags something else than the live one.'
    )
    with op.batch_alter_table('shadow_difference', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_shadow_difference_candidate'), ['candidate'], unique=False)

    op.create_table('text_family',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('signature', Blob, nullable=False, comment='MinHash of the first text, keyed with the master key.'),
    sa.Column('first', sa.Double(), nullable=False),
    sa.Column('last', sa.Double(), nullable=False),
    sa.Column('texts', sa.Integer(), nullable=False, comment='Near-equal texts flagged so far.'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_text_family')),
    comment='Flagged texts that are nearly equal.'
    )
    with op.batch_alter_table('text_family', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_text_family_last'), ['last'], unique=False)

    op.create_table('text_band',
    sa.Column('band', sa.String(length=34), nullable=False, comment='In hexadecimal.'),
    sa.Column('family', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['family'], ['text_family.id'], name=op.f('fk_text_band_family')),
    sa.PrimaryKeyConstraint('band', 'family', name=op.f('pk_text_band')),
    comment='By what families of texts are found: bands of their signatures.'
    )
    with op.batch_alter_table('text_band', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_text_band_family'), ['family'], unique=False)

    op.create_table('label',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('flag_id', sa.String(length=36), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False, comment='right, wrong_kind, wrong_score, false_alarm.'),
    sa.Column('kind', sa.String(length=32), nullable=False, comment='What it should have been.'),
    sa.Column('specificity', sa.Integer(), nullable=False),
    sa.Column('plausibility', sa.Integer(), nullable=False),
    sa.Column('imminence', sa.Integer(), nullable=False),
    sa.Column('created', sa.Double(), nullable=False),
    sa.ForeignKeyConstraint(['flag_id'], ['flag.id'], name=op.f('fk_label_flag_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_label')),
    comment='What reviewers say of flags; the last word on a flag counts.'
    )
    with op.batch_alter_table('label', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_label_flag_id'), ['flag_id'], unique=False)

    with op.batch_alter_table('flag', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('priority', sa.Integer(), nullable=False, server_default='0', comment='0-100, the sum of the points of its reasons.')
        )
        batch_op.add_column(
            sa.Column(
                'reasons', LongText, nullable=False, server_default='[]',
                comment='JSON: name, points and words of each; no text, no names.',
            )
        )
        batch_op.add_column(
            sa.Column(
                'text_family', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True,
                comment='Near-equal texts; empty where none was sought.',
            )
        )
        batch_op.add_column(
            sa.Column('repeated', sa.Integer(), nullable=False, server_default='0', comment='Near-equal texts flagged before this one.')
        )
        batch_op.create_index(batch_op.f('ix_flag_priority'), ['priority'], unique=False)
    _give_priorities()



def downgrade() -> None:
    """Go down."""
    with op.batch_alter_table('flag', schema=None, recreate='never') as batch_op:
        batch_op.drop_index(batch_op.f('ix_flag_priority'))
        batch_op.drop_column('repeated')
        batch_op.drop_column('text_family')
        batch_op.drop_column('reasons')
        batch_op.drop_column('priority')

    op.drop_table('label')
    op.drop_table('text_band')
    op.drop_table('text_family')
    op.drop_table('shadow_difference')
    op.drop_table('shadow_count')
    op.drop_table('revision_score')
