import cProfile,time
def test_smoke(place):
    place.submit("good", samples=30, batch_size=1)
    t=time.time();
    with cProfile.Profile() as p: place.work()
    print(time.time()-t)
    import pstats; pstats.Stats(p).sort_stats("cumulative").print_stats(45)
