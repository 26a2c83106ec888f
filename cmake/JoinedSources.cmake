# CYGNET_JOIN_SOURCES: the compiler gets eight sources of a target at a time, which takes it a third of the CPU time. For builds
# that are made whole and rarely, as those under sanitizers are: after a change of one source all eight are compiled again.
option(CYGNET_JOIN_SOURCES "Compile several sources of a target as one" OFF)

# They have names in anonymous namespaces that others of their target have, too.
set(CYGNET_SOURCES_ALONE
    "crypto/"
    "ike/exchange/(ike_auth_responder|ike_followup_ke|ike_intermediate|ike_sa_init|ike_sa_init_test|ike_session_resume)[.]cc"
    "ike/exchange/(informational|ppk_intermediate_test)[.]cc"
    "ike/feature/(beet|childless|counter_sync|crash_detection|fragmentation|full_transcript|mobike|multiple_ke)[.]cc"
    "ike/feature/(nat_detection|private_numbers|puzzles|reauthentication|redirect|session_resumption)[.]cc"
    "ike/feature/(signature_hashes|virtual_addresses|window_size)[.]cc"
    "ike/stream_test[.]cc"
    "sim/(scenario|hostile)_"
    "esp/(encapsulation_test|inner_packet|transport_mode)[.]cc"
    "dataplane/(carrier|netlink|segmenter|worker_ah|xfrm_backend_test)[.]cc"
    "dataplane/xfrm/(messages|selectors)_test[.]cc"
    "model/identity[.]cc"
    "cli/commands[.]cc"
    "vectors/(nist|captures)_test[.]cc")

function(cygnet_join target)
    if(NOT CYGNET_JOIN_SOURCES)
        return()
    endif()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    get_target_property(sources ${target} SOURCES)
    foreach(pattern IN LISTS CYGNET_SOURCES_ALONE)
        set(alone ${sources})
        list(FILTER alone INCLUDE REGEX "/${pattern}")
        set_property(SOURCE ${alone} PROPERTY SKIP_UNITY_BUILD_INCLUSION ON)
    endforeach()
endfunction()
