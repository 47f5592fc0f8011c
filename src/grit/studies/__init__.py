"""Do chains and boxes agree, where does attention go, what do answers rest on?"""
