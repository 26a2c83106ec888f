"""Several additional key exchanges (RFC 9370): in IKE_INTERMEDIATE, and in IKE_FOLLOWUP_KE when IKE SA and child are rekeyed."""

from scenario import CYGNET, ENDS, STRONGSWAN, Case, Gateways, Mismatch

# The rounds in swanctl's words, and as both ends report them.
ROUNDS = {
    "three": {"mlkem768": "ML_KEM_768", "ecp384": "ECP_384", "mlkem1024": "ML_KEM_1024"},
    "seven": {"mlkem512": "ML_KEM_512", "ecp256": "ECP_256", "mlkem768": "ML_KEM_768", "modp2048": "MODP_2048",
              "mlkem1024": "ML_KEM_1024", "ecp521": "ECP_521", "ecp384": "ECP_384"},
}


def case(rounds, initiator):
    words = "x25519-" + "-".join(f"ke{number}_{word}" for number, word in enumerate(ROUNDS[rounds], start=1))
    ike, esp = f"aes256gcm16-prfsha384-{words}", f"aes256gcm16-{words}"
    return Case(initiator, options={"rounds": rounds}, words={
        "cygnet_ike": f"proposals = {ike}", "cygnet_child": f"esp_proposals = {esp}",
        "strongswan_proposals": ike, "strongswan_esp_proposals": esp})


CASES = {f"{rounds}-{initiator}-initiates": case(rounds, initiator) for rounds in ROUNDS for initiator in ENDS}


def check(sa, rounds, where):
    told = [sa.get(f"ake{number}") for number in range(1, 8)]
    wanted = list(ROUNDS[rounds].values())
    if told != wanted + [None] * (7 - len(wanted)):
        raise Mismatch(f"{where}: additional key exchanges {told}")


def run(lab, case, folder):
    gateways = Gateways(lab, case, folder)
    rounds = case.options["rounds"]
    gateways.up()
    for end in ENDS:
        check(gateways.sas(end)[0], rounds, end)
    gateways.ping()
    gateways.rekey(case.initiator, ike="gw")
    # By the other end, which is the initiator of these rounds then.
    gateways.rekey(CYGNET if case.initiator == STRONGSWAN else STRONGSWAN, child="net")
    for end in ENDS:
        sa = gateways.sas(end)[0]
        check(sa, rounds, f"{end}, rekeyed")
        check(sa["child-sas"][0], rounds, f"{end}, the rekeyed child")
    gateways.ping()
