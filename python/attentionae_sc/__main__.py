"""``python -m attentionae_sc`` is the command ``attentionae-sc``."""

from ._program import main

main()
