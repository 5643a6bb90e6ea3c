class Product:
    def __init__(self, a, b):
        self.a, self.b = a, b

    # user code
    def step(self, k):
        return (self.a @ self.b).sum().item()
    # end

    def gradients(self):
        return self.step(0), {}


def create(problem, variant):
    return Product(problem["data"]["a"], problem["data"]["b"])
