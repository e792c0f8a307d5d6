"""What each identity may and may not do on the cluster: the Permissions table, row by row.

RBAC is asked with the identity's own token: by SelfSubjectAccessReview for each right, and by
SelfSubjectRulesReview for all that it has, which must be the table's list and nothing more. What
the admission policies narrow no review can tell: there the write itself is tried, as a dry run.
"""

# Without this file pytest sees no package here, and the drill of `world` would stay open until the
# whole session ends.
